// Package bearer logs in to mail servers by a provider's token, over IMAP and SMTP
// alike. The library's own mechanisms treat a refusal as an error before the server
// has ended the command, and know no XOAUTH2.
package bearer

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
)

// The names of the mechanisms.
const (
	XOAUTH2     = "XOAUTH2"
	OAUTHBEARER = sasl.OAuthBearer
)

// A Token is what is logged in with, and where.
type Token struct {
	User, Host, Token string
	Port              int
}

// A Login is one log-in under way.
type Login struct {
	mechanism string
	first     []byte
	refusal   []byte
}

// New returns a log-in by the better of the mechanisms that a server has, nil when
// it has none. OAUTHBEARER is RFC 7628, XOAUTH2 what Google and Microsoft had
// before (https://developers.google.com/gmail/imap/xoauth2-protocol).
func New(t Token, has func(mechanism string) bool) *Login {
	switch {
	case has(OAUTHBEARER):
		return &Login{mechanism: OAUTHBEARER, first: fmt.Appendf(nil, "n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01", saslName.Replace(t.User), t.Host, t.Port, t.Token)}
	case has(XOAUTH2):
		return &Login{mechanism: XOAUTH2, first: fmt.Appendf(nil, "user=%s\x01auth=Bearer %s\x01\x01", t.User, t.Token)}
	}
	return nil
}

// Mechanism is the one that is used.
func (l *Login) Mechanism() string { return l.mechanism }

// Start begins it: sasl.Client.
func (l *Login) Start() (string, []byte, error) { return l.mechanism, l.first, nil }

// Next answers the refusal, which comes as a challenge; only then does the server
// end the command.
func (l *Login) Next(challenge []byte) ([]byte, error) {
	l.refusal = challenge
	return []byte{1}, nil
}

// Refusal is the status that a server gave as its reason, "" when it gave none.
func (l *Login) Refusal() string {
	var said struct{ Status string }
	if json.Unmarshal(l.refusal, &said) != nil {
		return ""
	}
	return said.Status
}

// saslName writes a name as RFC 5801 §4 has it.
var saslName = strings.NewReplacer("=", "=3D", ",", "=2C")
