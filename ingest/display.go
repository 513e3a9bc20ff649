package ingest

import (
	"postroom/ingest/mail"
)

// What a mail is made of, under names that those who show it may use.
type (
	Displayed = mail.Displayed // HTML that is fit to be shown
	Segment   = mail.Segment   // a run of lines: the sender's words, a quote, a signature
	Forward   = mail.Forward   // a mail that was passed on
	Part      = mail.Part
)

// Display makes the message's HTML fit to be shown in a frame without scripts.
// remote lets images be loaded from elsewhere. image returns the address of the
// part with this index in Parts, which is an image that browsers can draw, or "" to
// leave it out; without image, cid: addresses stay as they are.
func (c Content) Display(remote bool, image func(part int) string) Displayed {
	d := mail.Display{Remote: remote}
	if image != nil {
		parts := map[string]int{}
		for i := range c.Parts {
			id := c.Parts[i].ContentID
			if _, taken := parts[id]; id != "" && !taken && c.Picture(i) {
				parts[id] = i
			}
		}
		d.CID = func(id string) string {
			if i, ok := parts[id]; ok {
				return image(i)
			}
			return ""
		}
	}
	return mail.Sanitise(c.HTML, d)
}

// Picture reports whether the part with this index in Parts is an image that
// browsers can draw, whatever it claims to be.
func (c Content) Picture(part int) bool { return imageType(&c.Parts[part]) != "" }

// imageType returns the type of a part that is a picture made of dots, by its first
// bytes, or "". An SVG is a document that can hold scripts.
func imageType(p *mail.Part) string {
	switch p.Detected {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp":
		return p.Detected
	}
	return ""
}
