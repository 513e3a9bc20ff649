package classify

import "postroom/internal/trec"

// A Document is what a message offers as evidence, built by whoever parsed it.
// The headers that our own receiving added must not be in it: they say how a mail was gathered, not what it is.
type Document struct {
	Header  []Field // every field in order, values decoded to UTF-8; names in the case they were written in
	Subject string  // decoded
	Text    string  // the readable view: the text part, or the HTML part rendered as text
	HTML    string  // the HTML part as it came; empty if there is none

	From, ReplyTo, To []string // bare addresses

	Parts []PartInfo // every leaf part, in order

	// Auth holds outcomes of sender authentication, such as "spf=pass", "dmarc=fail", "sender=verified".
	Auth []string
}

// A Field is one header field.
type Field struct {
	Name, Value string
}

// PartInfo describes one leaf part of a message; Size is in bytes.
type PartInfo struct {
	ContentType string // such as "text/html"
	Filename    string
	Charset     string
	Size        int
}

// Stripped is d with only those header fields that a forwarder leaves. What else there is may be the work of whoever gathered
// the mail, and a filter that learns it looks better than it is.
func (d Document) Stripped() Document {
	var left []Field
	for _, f := range d.Header {
		if trec.Leaves(f.Name) {
			left = append(left, f)
		}
	}
	d.Header = left
	return d
}

// The most that one message may make us read. Mail beyond these bounds is scored by what is within them.
const (
	maxText        = 8 << 10  // bytes of readable text that give words
	maxHTML        = 16 << 10 // bytes of HTML source that give tags and links
	maxGramHeader  = 1536     // bytes of header that give character patterns
	maxGramText    = 1536     // bytes of text that give character patterns
	maxFields      = 80       // header fields
	maxFieldValue  = 512      // bytes of one field's value
	maxFieldWords  = 12       // words of one field
	maxTokens      = 1024     // distinct word tokens
	maxWord        = 40       // bytes of one word; a longer one is only counted
	maxLinks       = 64       // links
	maxParts       = 32       // parts
	maxAddresses   = 16       // addresses of one kind
	maxPathWords   = 6        // words of one link's path
	maxHostLabels  = 4        // labels of the longest host suffix
	maxNameInScore = 80       // bytes of a token's name that an explanation shows
)
