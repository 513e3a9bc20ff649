package mail

import "fmt"

// A Budget says how much one message may cost. A field that is zero stands for its default. Going over is an ordinary
// outcome, not a failure: [Parse] stops and returns a [*BudgetError] with what it had read.
type Budget struct {
	Bytes       int64 // size of the whole message, in bytes
	HeaderBytes int   // size of all header blocks together, in bytes
	Parts       int   // leaves and multiparts, the message itself included
	Depth       int   // multiparts open inside each other
	Work        int64 // bytes looked at, counted again for each step that reads them
}

// The defaults of a [Budget]. Mail that people write stays far below all of them: in the 7,136 messages of the corpora that
// the tests read, the deepest nesting is 4, the largest header 15 KiB and the most parts are 22.
const (
	DefaultBytes       = 64 << 20 // above the 25–50 MB that large providers accept
	DefaultHeaderBytes = 4 << 20
	DefaultParts       = 20000
	DefaultDepth       = 2000
	DefaultWork        = 1 << 30 // sixteen looks at every byte of the largest message
)

// DefaultBudget is the budget that a zero [Budget] stands for.
var DefaultBudget = Budget{
	Bytes:       DefaultBytes,
	HeaderBytes: DefaultHeaderBytes,
	Parts:       DefaultParts,
	Depth:       DefaultDepth,
	Work:        DefaultWork,
}

// Limits on what a [Mail] keeps. Passing one of them is a [Defect], not an error; nothing is lost, since the raw message
// is kept and [Part.Open] reads all of a part.
const (
	// BodyLimit is the most that Text and HTML may each hold, in bytes.
	BodyLimit = 8 << 20
	// FieldLimit is the number of header fields kept.
	FieldLimit = 5000
	// AddressLimit is the number of addresses kept of one header.
	AddressLimit = 10000
	// ReferenceLimit is the number of message ids kept of one header.
	ReferenceLimit = 1000
	// DefectLimit is the number of defects kept.
	DefectLimit = 100
)

// withDefaults returns b with every zero field filled in.
func (b Budget) withDefaults() Budget {
	d := DefaultBudget
	if b.Bytes > 0 {
		d.Bytes = b.Bytes
	}
	if b.HeaderBytes > 0 {
		d.HeaderBytes = b.HeaderBytes
	}
	if b.Parts > 0 {
		d.Parts = b.Parts
	}
	if b.Depth > 0 {
		d.Depth = b.Depth
	}
	if b.Work > 0 {
		d.Work = b.Work
	}
	return d
}

// The values of [BudgetError.Limit].
const (
	LimitBytes       = "bytes"
	LimitHeaderBytes = "header_bytes"
	LimitParts       = "parts"
	LimitDepth       = "depth"
	LimitWork        = "work"
)

// A BudgetError says which limit a message went over. Got is how far reading had come when it stopped, so it may be
// less than what the whole message would have needed.
type BudgetError struct {
	Limit    string
	Max, Got int64
}

// Error says in plain words what was too much.
func (e *BudgetError) Error() string {
	switch e.Limit {
	case LimitBytes:
		return fmt.Sprintf("message of %d bytes, at most %d are read", e.Got, e.Max)
	case LimitHeaderBytes:
		return fmt.Sprintf("more than %d bytes of headers", e.Max)
	case LimitParts:
		return fmt.Sprintf("more than %d parts", e.Max)
	case LimitDepth:
		return fmt.Sprintf("parts nested more than %d deep", e.Max)
	default:
		return fmt.Sprintf("reading needs more than %d units of work", e.Max)
	}
}
