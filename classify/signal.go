package classify

import (
	"math/bits"
	"strings"
)

// A signal is a fact that speaks for or against spam before anything was learned: what authentication found, how the
// message is built, whether it continues a conversation.
type signal uint8

// The signals, in the order of signalTable.
const (
	signalVerified signal = iota
	signalContradicted
	signalReply
	signalQuotes
	signalList
	signalPlainNoLinks
	signalNoMessageID
	signalNoDate
	signalNoRecipient
	signalNoSubject
	signalLoudSubject
	signalAnswerElsewhere
	signalHTMLAlone
	signalHiddenText
	signalInvisible
	signalMixedAlphabets
	signalBareAddress
	signalDisguisedLink
	signalProgram
	signalCount
)

// signalTable has the log-odds of each signal. Nobody's mail was fitted: what contradicts itself or hides weighs 1 (e times
// likelier in spam than in ham), what only an attacker does weighs 1½, what is merely careless ½. Once the workspace has its
// own training, that speaks instead (signalFades).
var signalTable = [signalCount]struct {
	name    string
	logOdds float64
}{
	signalVerified:        {"sender verified", -0.5},
	signalContradicted:    {"authentication contradicts the sender", 1},
	signalReply:           {"continues a conversation", -1},
	signalQuotes:          {"quotes another mail", -1},
	signalList:            {"from a mailing list that names itself", -0.5},
	signalPlainNoLinks:    {"plain text without links", -0.5},
	signalNoMessageID:     {"no Message-ID", 0.5},
	signalNoDate:          {"no Date", 0.5},
	signalNoRecipient:     {"names no recipient", 0.5},
	signalNoSubject:       {"no subject", 0.5},
	signalLoudSubject:     {"subject in capitals or with several exclamation marks", 1},
	signalAnswerElsewhere: {"answers go to another domain", 0.5},
	signalHTMLAlone:       {"HTML without a text part", 0.5},
	signalHiddenText:      {"hides text", 0.5}, // so do honest newsletters with the line that mailboxes preview
	signalInvisible:       {"invisible characters", 1},
	signalMixedAlphabets:  {"a word in two alphabets", 1.5},
	signalBareAddress:     {"links to a bare network address", 1.5},
	signalDisguisedLink:   {"a link that names another host than it leads to", 1},
	signalProgram:         {"carries a program", 1.5},
}

// signalBound is the most that all signals together weigh: they never make more than 92 % of anything, below every
// threshold of spam that is of use.
const signalBound = 2.5

// signalFades is how many messages of the rarer class make the signals weigh half: from then on the workspace's own
// mail knows better.
const signalFades = 20

// A signalSet holds the signals of one message.
type signalSet uint32

func (s *signalSet) add(n signal) { *s |= 1 << n }

// share is what a signal's log-odds are multiplied with in a model that has learned so many.
func (s signalSet) share(ham, spam int) float64 {
	sum := 0.0
	for rest := s; rest != 0; rest &= rest - 1 {
		sum += signalTable[bits.TrailingZeros32(uint32(rest))].logOdds
	}
	share := signalFades / float64(signalFades+min(ham, spam))
	if sum > signalBound {
		share *= signalBound / sum
	} else if sum < -signalBound {
		share *= -signalBound / sum
	}
	return share
}

// contributions appends what the signals say to list and returns their sum.
func (s signalSet) contributions(list []Contribution, ham, spam int) ([]Contribution, float64) {
	if s == 0 {
		return list, 0
	}
	share, sum := s.share(ham, spam), 0.0
	for rest := s; rest != 0; rest &= rest - 1 {
		row := &signalTable[bits.TrailingZeros32(uint32(rest))]
		list = append(list, Contribution{Kind: KindSignal, Token: row.name, LogOdds: share * row.logOdds})
		sum += share * row.logOdds
	}
	return list, sum
}

// signalsOf finds the signals that need no look into words. Those of markup and text are added where they are read.
func (b *builder) signalsOf(d *Document) {
	s := &b.signalSet
	for _, a := range d.Auth {
		switch strings.ToLower(a) {
		case "sender=verified", "sender=forwarded-verified", "dmarc=pass":
			s.add(signalVerified)
		case "sender=contradicted", "dmarc=fail":
			s.add(signalContradicted)
		}
	}
	b.headerSignals(d)
	if loud(d.Subject) {
		s.add(signalLoudSubject)
	}
	if len(d.From) > 0 && len(d.ReplyTo) > 0 && !sameSite(domainOf(d.From[0]), domainOf(d.ReplyTo[0])) {
		s.add(signalAnswerElsewhere)
	}
	for _, p := range d.Parts[:min(len(d.Parts), maxParts)] {
		if program(p.Filename) {
			s.add(signalProgram)
		}
	}
	b.textSignals(d)
}

func (b *builder) headerSignals(d *Document) {
	s := &b.signalSet
	*s |= 1<<signalNoMessageID | 1<<signalNoDate
	for _, f := range d.Header[:min(len(d.Header), maxFields)] {
		switch {
		case strings.EqualFold(f.Name, "message-id"):
			*s &^= 1 << signalNoMessageID
		case strings.EqualFold(f.Name, "date"):
			*s &^= 1 << signalNoDate
		case strings.EqualFold(f.Name, "in-reply-to"), strings.EqualFold(f.Name, "references"):
			s.add(signalReply)
		case strings.EqualFold(f.Name, "list-id"), strings.EqualFold(f.Name, "list-post"):
			s.add(signalList)
		}
	}
	if len(d.To) == 0 {
		s.add(signalNoRecipient)
	}
	if d.Subject == "" {
		s.add(signalNoSubject)
	}
}

func (b *builder) textSignals(d *Document) {
	s := &b.signalSet
	text := clip(d.Text, maxText)
	if strings.Contains(text, "\n>") {
		s.add(signalQuotes)
	}
	switch {
	case d.HTML == "" && !strings.Contains(text, "://"):
		s.add(signalPlainNoLinks)
	case d.HTML != "" && !hasPart(d.Parts, "text/plain"):
		s.add(signalHTMLAlone)
	}
}

func hasPart(parts []PartInfo, kind string) bool {
	for i := range parts {
		if parts[i].ContentType == kind {
			return true
		}
	}
	return false
}

// loud reports whether a subject shouts: two exclamation marks, or ten letters and more of which nearly all are capitals.
func loud(subject string) bool {
	upper, lower, shouts := 0, 0, 0
	for i := 0; i < len(subject); i++ {
		switch c := subject[i]; {
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z', c >= 0x80:
			lower++
		case c == '!':
			shouts++
		}
	}
	return shouts > 1 || upper >= 10 && upper > 9*lower
}

// program reports whether a file's name is one that Windows runs.
func program(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "exe", "scr", "pif", "com", "bat", "cmd", "vbs", "js", "jse", "wsf", "hta", "lnk", "msi", "jar", "iso":
		return true
	}
	return false
}
