package mail

import "testing"

func TestContentHash(t *testing.T) {
	t.Parallel()
	const mail = "From: a@b.example\nSubject: One\nMessage-ID: <1@b.example>\n\nText\nmore\n"
	want := ContentHash([]byte(mail))
	same := map[string]string{
		"traced":       "Received: from x\n\tby y; now\nDelivered-To: a\nARC-Seal: i=1\nX-Spam-Score: 3\n" + mail,
		"CRLF":         "From: a@b.example\r\nSubject: One\r\nMessage-ID: <1@b.example>\r\n\r\nText\r\nmore\r\n",
		"CR":           "From: a@b.example\rSubject: One\rMessage-ID: <1@b.example>\r\rText\rmore\r",
		"blank at end": mail + "\n\n",
		"no end":       mail[:len(mail)-1],
		"mbox":         "From a@b.example Mon Mar  2 08:14:02 2026\n" + mail,
		"status":       "From: a@b.example\nSubject: One\nStatus: RO\nMessage-ID: <1@b.example>\n\nText\nmore\n",
	}
	for name, raw := range same {
		if ContentHash([]byte(raw)) != want {
			t.Errorf("%s: another hash, want the same for the same content", name)
		}
	}
	other := map[string]string{
		"subject":            "From: a@b.example\nSubject: Two\nMessage-ID: <1@b.example>\n\nText\nmore\n",
		"body":               mail + "x",
		"trace in body":      "From: a@b.example\nSubject: One\nMessage-ID: <1@b.example>\n\nReceived: x\nText\nmore\n",
		"receiver of a kind": "Received-By-Hand: x\n" + mail,
		"nothing":            "",
	}
	for name, raw := range other {
		if ContentHash([]byte(raw)) == want {
			t.Errorf("%s: the same hash, want another for other content", name)
		}
	}
}
