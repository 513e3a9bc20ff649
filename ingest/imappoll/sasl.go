package imappoll

import (
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
)

// xoauth2 is the mechanism of Google and Microsoft that came before OAUTHBEARER
// (https://developers.google.com/gmail/imap/xoauth2-protocol). The library has
// none.
type xoauth2 struct {
	user, token string
	refusal     []byte // the server's words, when it does not take the token
}

func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", fmt.Appendf(nil, "user=%s\x01auth=Bearer %s\x01\x01", x.user, x.token), nil
}

// Next answers the refusal, which comes as a challenge; only then does the server
// end the command.
func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	x.refusal = challenge
	return []byte{1}, nil
}

// bearer is OAUTHBEARER (RFC 7628). The library's own treats a refusal as an error
// before the server has ended the command.
type bearer struct {
	user, host, token string
	port              int
	refusal           []byte
}

func (b *bearer) Start() (string, []byte, error) {
	return sasl.OAuthBearer, fmt.Appendf(nil, "n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01", saslName.Replace(b.user), b.host, b.port, b.token), nil
}

func (b *bearer) Next(challenge []byte) ([]byte, error) {
	b.refusal = challenge
	return []byte{1}, nil
}

// saslName writes a name as RFC 5801 §4 has it.
var saslName = strings.NewReplacer("=", "=3D", ",", "=2C")
