// Package mail turns the bytes of a message into a [Mail]: headers, people, references, readable text, parts, and a
// list of what was wrong with it.
//
// It is pure: bytes in, values out, no clock, no network, no settings beyond a [Budget]. It never refuses bad mail.
// Real mail has broken header lines, boundaries that never come, encodings that nobody knows and charsets that lie;
// each of these degrades the result and leaves a [Defect], because a message that cannot be read is a customer who is
// not answered. The one error is [*BudgetError], for mail that would cost more than its share.
//
//	raw ─> header ─> walk ─> bodies ─> decode ─> text, HTML, automatic
//	       salvage   parts   chosen    transfer encoding, then charset
//
// The walk finds the parts as slices of the raw bytes in one pass, whatever the nesting, so attachments are never
// copied: [Part.Open] decodes them on demand. Charsets are converted by go-message, which reads what this front end
// has made readable; nothing outside this package needs to know that library.
//
// What it must never do: panic, take more than linear time, hold an attachment decoded in memory (files inside a winmail.dat or a
// text apart), or let a string out that is not valid UTF-8 or that has a NUL in it ([Clean]). [Mail.HTML] is as hostile as
// its sender made it; [Sanitise] makes it fit to be shown. docs/mail.md says what is read, and how it compares.
package mail
