package mail

// A Defect is something wrong with a message that reading got past. Kind is one of the Defect constants; Detail is for
// people and may be empty.
type Defect struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
}

// The kinds of [Defect].
const (
	DefectMboxLine      = "mbox_line"       // a "From " line of a mailbox file before the header
	DefectBareCR        = "bare_cr"         // lines end with CR alone
	DefectHeaderLine    = "header_line"     // a line of the header that is no field
	DefectHeader8Bit    = "header_8bit"     // bytes in a header that are neither ASCII nor UTF-8
	DefectNoBlankLine   = "no_blank_line"   // the body follows the header without an empty line
	DefectTooMany       = "too_many"        // fields, addresses or references beyond what is kept
	DefectEncodedWord   = "encoded_word"    // an RFC 2047 word that does not decode
	DefectDate          = "date"            // a Date that cannot be read
	DefectNoFrom        = "no_from"         // nobody in From
	DefectContentType   = "content_type"    // a Content-Type that cannot be read
	DefectBoundary      = "boundary"        // a multipart without boundary, or one that never comes
	DefectNotClosed     = "not_closed"      // a multipart that ends without its closing delimiter
	DefectReopened      = "reopened"        // parts after the closing delimiter
	DefectEncoding      = "encoding"        // an unknown transfer encoding, or data that breaks its rules
	DefectCharset       = "charset"         // an unknown charset, or text that is not in the charset it claims
	DefectCharsetAbsent = "charset_missing" // text beyond ASCII without a charset
	DefectBodyCut       = "body_cut"        // a body longer than BodyLimit
	DefectOutside       = "outside_parts"   // text before the first part of a multipart or after its last
	DefectYenc          = "yenc"            // a yEnc block that is not as long as it says, or cannot be read
	DefectTNEF          = "tnef"            // a winmail.dat that cannot be read to its end
	DefectLost          = "unread_parts"    // more parts inside a winmail.dat than the budget allows
	DefectTypeLie       = "type_mismatch"   // an attachment that runs as a program and claims to be something else
)

// defect records what was wrong, as long as there is room for it.
func (m *Mail) defect(kind, detail string) {
	if len(m.Defects) < DefectLimit {
		m.Defects = append(m.Defects, Defect{Kind: kind, Detail: Clean(clip(detail, 200))})
	}
}

// defectOnce records a kind of defect the first time only: one is enough to know.
func (m *Mail) defectOnce(kind, detail string) {
	for _, d := range m.Defects {
		if d.Kind == kind {
			return
		}
	}
	m.defect(kind, detail)
}
