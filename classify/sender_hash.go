package classify

import (
	"strings"
	"time"
)

// hashedRules are rules by the token that a sender's address or domain leaves among the features. The journal has no
// addresses, and with these needs none. A domain of more than maxHostLabels labels leaves no token: its rules are not found.
type hashedRules map[uint32]SenderRule

func (rules senderRules) hashed(key hashKey) hashedRules {
	h := make(hashedRules, len(rules))
	for _, r := range rules {
		kind := "from domain:"
		if strings.Contains(r.Pattern, "@") {
			kind = "from:"
		}
		h[key.word([]byte(kind+clip(r.Pattern, 2*maxWord)))] = r
	}
	return h
}

// find is senderRules.find for a message's features: a more exact rule goes before those for the domains above it, and
// of what is left a block before an allowance.
func (h hashedRules) find(fe *Features, now time.Time) (found SenderRule, ok bool) {
	if len(h) == 0 {
		return found, false
	}
	var met []SenderRule
	for _, id := range fe.words {
		if r, is := h[id]; is && (r.ExpiresAt == nil || now.Before(*r.ExpiresAt)) {
			met = append(met, r)
		}
	}
	for _, r := range met {
		exact := true
		for _, other := range met {
			exact = exact && !other.below(r)
		}
		if exact && (!ok || r.Verdict == Spam) {
			found, ok = r, true
		}
	}
	return found, ok
}

// below reports whether a rule is for a part of what another is for.
func (r SenderRule) below(other SenderRule) bool {
	if r.Pattern == other.Pattern || strings.Contains(other.Pattern, "@") {
		return false
	}
	host := domainOf(r.Pattern)
	return host == other.Pattern || strings.HasSuffix(host, "."+other.Pattern)
}
