package tickets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// A token names a ticket of one workspace to whoever was given it, and nobody can
// make one up: t.<number>-<16 characters>, of which the latter are the first 80
// bits of an HMAC-SHA-256 over workspace and number. It stands in the addresses
// to which we ask for replies, support+t.123-…@example.com, and in the text of
// mail that we send. It holds nothing but what addresses may have, in lower case.
const (
	tokenMark = "t."
	macBytes  = 10
	macLength = macBytes * 8 / 5
	maxTokens = 8 // looked at in one text; a mail has one, or one for each quoted mail
)

var tokenCode = base32.StdEncoding.WithPadding(base32.NoPadding)

// signer makes tokens and tells ours from others. Without a key it knows none.
type signer struct{ key []byte }

func (s signer) token(workspace uuid.UUID, number int64) string {
	return tokenMark + strconv.FormatInt(number, 10) + "-" + s.mac(workspace, number)
}

func (s signer) mac(workspace uuid.UUID, number int64) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte("postroom thread token 1\x00"))
	h.Write(workspace[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(number))
	h.Write(n[:])
	return strings.ToLower(tokenCode.EncodeToString(h.Sum(nil)[:macBytes]))
}

// numbers returns the tickets that are named by tokens of ours in s, each once.
func (s signer) numbers(workspace uuid.UUID, text string) (list []int64) {
	if len(s.key) == 0 {
		return nil
	}
	for tried := 0; tried < maxTokens; {
		i := strings.Index(text, tokenMark)
		if i < 0 {
			break
		}
		text = text[i+len(tokenMark):]
		number, mac, ok := cutToken(text)
		if !ok {
			continue
		}
		tried++
		if hmac.Equal([]byte(strings.ToLower(mac)), []byte(s.mac(workspace, number))) {
			list = appendOnce(list, number)
		}
	}
	return list
}

// cutToken reads a token behind its mark.
func cutToken(s string) (number int64, mac string, ok bool) {
	digits := 0
	for digits < len(s) && digits < 19 && '0' <= s[digits] && s[digits] <= '9' {
		digits++
	}
	if digits == 0 || digits > 18 || s[0] == '0' || len(s) < digits+1+macLength || s[digits] != '-' {
		return 0, "", false
	}
	number, err := strconv.ParseInt(s[:digits], 10, 64)
	return number, s[digits+1 : digits+1+macLength], err == nil
}

func appendOnce[T comparable](list []T, v T) []T {
	for _, have := range list {
		if have == v {
			return list
		}
	}
	return append(list, v)
}

// ReplyAddress is the address at which replies to a ticket find it, whatever
// their sender's program leaves out: the mailbox's own with a token added.
func (d *Desk) ReplyAddress(workspace uuid.UUID, mailbox string, number int64) string {
	local, domain, _ := strings.Cut(mailbox, "@")
	if len(d.sign.key) == 0 {
		return mailbox
	}
	address := local + "+" + d.sign.token(workspace, number)
	if len(address) > maxLocalPart {
		return mailbox // RFC 5321 §4.5.3.1.1 allows no more; other evidence must do
	}
	return address + "@" + domain
}

// maxLocalPart is the octets that an address may have before its @.
const maxLocalPart = 64

// Marker is what stands in the text of mail that we send about a ticket, for
// programs that answer without naming what they answer; "" without a key.
func (d *Desk) Marker(workspace uuid.UUID, number int64) string {
	if len(d.sign.key) == 0 {
		return ""
	}
	return "[" + d.sign.token(workspace, number) + "]"
}
