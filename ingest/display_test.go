package ingest_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"postroom/ingest"
	"postroom/ingest/mail"
)

const pictures = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/html\r\n\r\n" +
	"<img src=cid:a@x><img src='cid:b%40x'><img src=cid:c@x><img src=cid:none@x><img src=https://cdn.example/i.png><script>x</script>\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-ID: <a@x>\r\n\r\nGIF89a first\r\n" +
	"--b\r\nContent-Type: image/gif\r\nContent-ID: <a@x>\r\n\r\nGIF89a second\r\n" +
	"--b\r\nContent-Type: image/gif\r\nContent-ID: <b@x>\r\n\r\nGIF89a third\r\n" +
	"--b\r\nContent-Type: image/png\r\nContent-ID: <c@x>\r\n\r\n<svg onload=x()></svg>\r\n" +
	"--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\nSubject: inner\r\n\r\nHello\r\n--b--\r\n"

func TestContentDisplay(t *testing.T) {
	t.Parallel()
	m, err := mail.Parse([]byte(pictures), mail.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	c := ingest.Content{Mail: m}
	for _, tt := range []struct {
		name   string
		remote bool
		image  func(int) string
		want   string
	}{
		{
			"with addresses of ours", false, func(i int) string { return fmt.Sprintf("/part/%d", i) },
			`<img src="/part/1"><img src="/part/3"><img><img><img data-remote="https://cdn.example/i.png">`,
		},
		{
			"with remote images", true, func(int) string { return "" },
			`<img><img><img><img><img src="https://cdn.example/i.png">`,
		},
		{
			"with the mail's own addresses", false, nil,
			`<img src="cid:a@x"><img src="cid:b%40x"><img src="cid:c@x"><img src="cid:none@x"><img data-remote="https://cdn.example/i.png">`,
		},
	} {
		got := c.Display(tt.remote, tt.image)
		if html := strings.ReplaceAll(strings.TrimSpace(got.HTML), "<img>", ""); html != strings.ReplaceAll(tt.want, "<img>", "") || got.Remote != 1 || got.Active != 1 {
			t.Errorf("%s: Display() = %q, %d remote, %d active, want %q, 1 and 1", tt.name, html, got.Remote, got.Active, tt.want)
		}
	}
}

func TestContentAttachment(t *testing.T) {
	t.Parallel()
	m, err := mail.Parse([]byte(pictures), mail.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	c := ingest.Content{Mail: m}
	for i, want := range []struct{ name, kind, disposition, begins string }{
		{"part-1.html", "application/octet-stream", "attachment; filename=part-1.html", "<img"},
		{"part-2.gif", "image/gif", "inline; filename=part-2.gif", "GIF89a first"},
		{"part-3.gif", "image/gif", "inline; filename=part-3.gif", "GIF89a second"},
		{"part-4.gif", "image/gif", "inline; filename=part-4.gif", "GIF89a third"},
		{"part-5", "application/octet-stream", "attachment; filename=part-5", "<svg"},
		{"part-6.eml", "application/octet-stream", "attachment; filename=part-6.eml", "Subject: inner"},
	} {
		a := c.Attachment(i)
		body, err := io.ReadAll(a.Body)
		if err != nil || a.Name != want.name || a.Type != want.kind || a.Disposition() != want.disposition || !strings.HasPrefix(string(body), want.begins) || int64(len(body)) != a.Size {
			t.Errorf("Attachment(%d) = %+v %q, %v, want %+v", i, a, body, err, want)
		}
	}
}
