package imappoll

import "testing"

// What is stored for one server is shown to another only where both are one owner's.
func TestRelated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		imap, smtp string
		want       bool
	}{
		{"imap.gmail.com", "smtp.gmail.com", true},
		{"outlook.office365.com", "smtp.office365.com", true},
		{"imap.example.co.uk", "smtp.example.co.uk", true},
		{"mail.example.com", "mail.example.com", true},
		{"127.0.0.1", "127.0.0.1", true},
		{"imap.example.co.uk", "smtp.elsewhere.co.uk", false},
		{"imap.gmail.com", "smtp.gmail.com.elsewhere.test", false},
		{"10.0.0.1", "10.0.0.2", false},
		{"localhost", "com", false},
	} {
		if got := related(c.imap, c.smtp); got != c.want {
			t.Errorf("related(%q, %q) = %v, want %v", c.imap, c.smtp, got, c.want)
		}
	}
}
