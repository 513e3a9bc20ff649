package ui

import (
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"postroom/ingest"
)

// What a page shows of one mail at most; all of it is in the raw mail.
const (
	maxPeople   = 20
	maxFiles    = 200
	maxReports  = 50
	maxPictures = 12      // that are drawn on the page
	maxDrawn    = 8 << 20 // bytes of one of them
	maxCounted  = 1 << 20 // bytes of HTML that is looked at, for quotes and remote images
)

// content is what a page shows of a mail.
type content struct {
	To          []string
	MoreTo      int // people that are not in To
	Blocks      []block
	Cut         bool   // the text goes on in the raw mail
	Automatic   string // which kind of machine sent it
	Origin      *origin
	Reports     []report
	MoreReports int        // that are not in Reports
	Formatted   *formatted // nil where there is no HTML
	Files       []file
	MoreFiles   int // that are not in Files
	Defects     int
}

// An origin is who wrote a mail that was passed on, as that mail says.
type origin struct {
	Words       string
	Name, Email string
	Sent        string
	Subject     string
	Text        string // of an attached mail
	Cut         bool
	Below       bool // the text comes first
}

// A formatted is the mail as its sender laid it out.
type formatted struct {
	Path             string
	Frame            string // the frame's name
	Height           int    // of the frame, in pixels
	Images, Trackers int    // elsewhere, which are not loaded
	Large            int64  // bytes of HTML that is too large to count these in
}

// A file is a part that is not the text.
type file struct {
	Name, Type string
	Real       string // what it is, where that is not what it claims to be
	Runs       bool   // it is a program and claims to be something else
	Inline     bool   // seen in the formatted mail
	Size       int64
	Path       string
	Picture    bool // drawn on the page
}

func messagePath(workspace, message uuid.UUID) string {
	return "/w/" + workspace.String() + "/messages/" + message.String()
}

// contentOf is what a page shows of the mail at a path.
func contentOf(c ingest.Content, at string) content {
	out := content{Automatic: automaticWords(c.Automatic.Kind), Defects: len(c.Defects), Formatted: formattedOf(c, at)}
	c, cut := shortened(c)
	out.Cut, out.Origin = cut || c.Over != nil, originOf(c)
	out.Blocks = blocks(c.Text, c.Reply().Segments)
	for i, a := range c.To {
		if i == maxPeople {
			out.MoreTo = len(c.To) - i
			break
		}
		out.To = append(out.To, person(a.Name, a.Email))
	}
	out.Reports, out.MoreReports = reportsOf(c)
	out.Files, out.MoreFiles = filesOf(c, at)
	return out
}

// shortened is a mail with no more of its text than a page shows, so that giants,
// of which a ticket can have many, cost little to tell apart.
func shortened(c ingest.Content) (ingest.Content, bool) {
	short := *c.Mail
	var cut bool
	short.Text, cut = clip(c.Text, maxText)
	if len(c.HTML) > maxCounted {
		short.HTML = ""
	}
	return ingest.Content{Mail: &short, Over: c.Over}, cut
}

func originOf(c ingest.Content) *origin {
	f := c.Forward()
	if f == nil {
		return nil
	}
	o := &origin{Subject: f.Subject, Sent: f.Sent}
	if !f.Date.IsZero() {
		o.Sent = f.Date.UTC().Format("2 Jan 2006, 15:04")
	}
	if len(f.From) > 0 {
		o.Name, o.Email = f.From[0].Name, f.From[0].Email
	}
	switch f.How {
	case "resent":
		o.Words = "Passed on as it was; it says it is by"
	case "attached":
		o.Words = "Has a mail attached that says it is by"
		o.Below = true
		o.Text, o.Cut = clip(f.Text, maxText/4)
	default:
		o.Words = "Passes on a mail that says it is by"
	}
	return o
}

func formattedOf(c ingest.Content, at string) *formatted {
	if strings.TrimSpace(c.HTML) == "" {
		return nil
	}
	f := &formatted{Path: at + "/formatted", Frame: "mail-" + path.Base(at), Height: frameHeight(c)}
	if len(c.HTML) > maxCounted {
		f.Large = int64(len(c.HTML))
		return f
	}
	d := c.Display(false, func(int) string { return "" })
	f.Images, f.Trackers = d.Remote, d.Trapped
	return f
}

// frameHeight guesses how much room a mail needs: without a script nobody can ask
// the frame. What needs more scrolls, and the frame can be drawn larger.
func frameHeight(c ingest.Content) int {
	lines := 4
	text, _ := clip(c.Text, 8<<10)
	for l := range strings.Lines(text) {
		lines += 1 + len(l)/90
	}
	for i := range c.Parts {
		if c.Parts[i].Inline {
			lines += 8
		}
	}
	return min(max(22*lines, 180), 640)
}

func filesOf(c ingest.Content, at string) (list []file, more int) {
	pictures := 0
	for i := range c.Parts {
		p := &c.Parts[i]
		if p.Body {
			continue
		}
		if len(list) == maxFiles {
			more++
			continue
		}
		f := file{
			Name: p.Filename, Type: p.ContentType, Real: realType(p.ContentType, p.Detected), Size: p.Size, Inline: p.Inline && c.Picture(i),
			Path: at + "/parts/" + strconv.Itoa(i+1),
		}
		f.Runs = f.Real != "" && p.Runs()
		if f.Name == "" {
			f.Name = fileWords(p.ContentType)
		}
		if c.Picture(i) && !f.Inline && p.Size <= maxDrawn && pictures < maxPictures {
			f.Picture = true
			pictures++
		}
		list = append(list, f)
	}
	return list, more
}

// sameTypes are names for one thing, under the name that its first bytes have.
var sameTypes = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "image/x-ms-bmp": "image/bmp", "image/x-icon": "image/vnd.microsoft.icon",
	"application/x-pdf": "application/pdf", "application/x-zip-compressed": "application/zip", "application/x-zip": "application/zip",
	"application/x-gzip": "application/gzip", "application/x-rar-compressed": "application/vnd.rar", "application/x-rar": "application/vnd.rar",
	"application/ms-tnef": "application/vnd.ms-tnef", "application/ics": "text/calendar", "text/x-vcard": "text/vcard", "text/directory": "text/vcard",
	"application/xml": "text/xml", "application/xhtml+xml": "text/html", "text/rtf": "application/rtf", "application/msword": "application/x-ole-storage",
	"application/vnd.ms-excel": "application/x-ole-storage", "application/vnd.ms-powerpoint": "application/x-ole-storage", "application/vnd.ms-outlook": "application/x-ole-storage",
	"audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/x-m4a": "audio/mp4", "audio/m4a": "audio/mp4",
}

// realType is what a part is by its first bytes, or "" when that is what it claims
// to be, or a form of it.
func realType(claimed, detected string) string {
	if same, ok := sameTypes[claimed]; ok {
		claimed = same
	}
	switch {
	case detected == "" || detected == claimed || detected == "text/plain":
		return ""
	case detected == "application/zip" && (strings.Contains(claimed, "openxmlformats") || strings.Contains(claimed, "opendocument") || strings.HasSuffix(claimed, "+zip")),
		detected == "text/xml" && strings.HasSuffix(claimed, "+xml"),
		strings.HasPrefix(claimed, "message/"):
		return ""
	}
	return detected
}
