package tickets

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrefixes bounds how many prefixes one subject is freed from.
const maxPrefixes = 32

// A Topic is what a subject says besides what mail programs add to it.
type Topic struct {
	Text   string // normalised: without prefixes and numbers of ours, lower case, single spaces; "" when nothing is left
	Reply  bool   // its first prefix is one that an answer gets; a forwarded mail is no answer
	Number int64  // of the ticket that it names, 0 for none
}

// ReadSubject reads a subject as mail programs of many languages write it: Re:,
// AW:, SV:, Antw:, RE[2]:, 回复：, one after the other; and [#123], the number of a
// ticket. It takes time linear in the subject's length.
func ReadSubject(s string) Topic {
	var t Topic
	s, t.Number = cutNumber(s)
	s = strings.Join(strings.Fields(s), " ")
	first := true
	for range maxPrefixes {
		rest, kind := cutPrefix(s)
		if kind == plain {
			break
		}
		if first && kind != mark {
			t.Reply, first = kind == reply, false
		}
		s = rest
	}
	if s = strings.ToLower(strings.TrimSpace(s)); strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
		t.Text = s
	}
	return t
}

// numbers are how a subject names a ticket. A bare #123 is anybody's order.
var numbers = regexp.MustCompile(`(?i)\[\s*(?:ticket\s*)?#\s*([1-9][0-9]{0,17})\s*\]|\[\s*ticket\s+([1-9][0-9]{0,17})\s*\]|\bticket\s?#\s?([1-9][0-9]{0,17})\b`)

// cutNumber takes the first number of a ticket out of a subject.
func cutNumber(s string) (rest string, number int64) {
	if !strings.ContainsAny(s, "#[") {
		return s, 0
	}
	at := numbers.FindStringSubmatchIndex(s)
	if at == nil {
		return s, 0
	}
	for g := 2; g < len(at); g += 2 {
		if at[g] >= 0 {
			number, _ = strconv.ParseInt(s[at[g]:at[g+1]], 10, 64) // eighteen digits always fit
		}
	}
	return s[:at[0]] + " " + s[at[1]:], number
}

type prefix byte

const (
	plain prefix = iota
	reply
	forward
	mark // of a mail gateway: says nothing of either
)

// cutPrefix takes one prefix off the beginning of a subject.
func cutPrefix(s string) (rest string, kind prefix) {
	s = strings.TrimLeft(s, " ")
	if strings.HasPrefix(s, "[") {
		if word, rest, ok := strings.Cut(s[1:], "]"); ok && gatewayMarks[strings.ToLower(word)] {
			return rest, mark
		}
	}
	colon := strings.IndexAny(clipText(s, longestPrefix), ":：")
	if colon < 0 {
		return s, plain
	}
	word := strings.ToLower(strings.TrimRight(s[:colon], " "))
	if kind = prefixes[word]; kind == plain {
		kind = prefixes[cutCount(word)]
	}
	if kind == plain {
		return s, plain
	}
	_, size := utf8.DecodeRuneInString(s[colon:])
	return s[colon+size:], kind
}

// cutCount takes off the count that some programs keep: RE[2], Re(3), Re^4, Re2.
func cutCount(word string) string {
	return strings.TrimRight(strings.TrimRight(word, "])0123456789"), " [(^*")
}

// clipText shortens s to at most n bytes, never within a character.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// longestPrefix is more bytes than any prefix has, its count included.
const longestPrefix = 48

var gatewayMarks = map[string]bool{"ext": true, "extern": true, "external": true, "external email": true, "externe": true, "externo": true}

// prefixes are what programs put before subjects, in lower case. VS answers in
// Finland and forwards in Denmark: it counts as an answer.
var prefixes = prefixTable(map[prefix]string{
	reply: `re|aw|antw|antwort|antwoord|sv|vs|r|rif|ref|res|resp|rép|rep|odp|odg|odpověď|ynt|yan|bls|balas|atb|ats|vá|válasz|
		răsp|απ|σχετ|απάντηση|отв|ответ|отг|відп|адк|השב|תגובה|רד|رد|ردّ|پاسخ|回复|答复|回覆|答覆|回應|返信|회신|답장|ตอบ|ตอบกลับ|trả lời|tl|
		automatic reply|auto reply|auto-reply|autoreply|auto response|out of office|out of the office|abwesenheitsnotiz|
		automatische antwort|automatisch antwoord|réponse automatique|respuesta automática|resposta automática|
		risposta automatica|automatiskt svar|automatisk svar|autosvar|automaattinen vastaus|odpowiedź automatyczna|
		автоответ|автоматический ответ|自动回复|自動回覆|自動応答|自動返信`,
	forward: `fw|fwd|wg|tr|i|inoltro|doorst|doorgestuurd|vl|vb|rv|reenv|enc|enc.|pd|ilt|továbbítás|tovább|πρθ|
		weitergeleitet|переслано|пер|пересл|הועבר|إعادة توجيه|转发|轉寄|轉發|転送|전달|ส่งต่อ|chuyển tiếp|fvs|přep|trs`,
})

func prefixTable(words map[prefix]string) map[string]prefix {
	table := map[string]prefix{}
	for kind, list := range words {
		for w := range strings.SplitSeq(list, "|") {
			table[strings.TrimSpace(w)] = kind
		}
	}
	return table
}
