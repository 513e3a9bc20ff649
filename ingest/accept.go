package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"postroom/ingest/mail"
	"postroom/internal/postgres"
)

// ErrBusy means that nothing was taken and that the same offer may succeed later:
// the sender keeps its mail.
var ErrBusy = errors.New("busy")

// A TooLargeError means that a mail is larger than any that is accepted.
type TooLargeError struct{ Size, Max int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the mail has %d octets; at most %d are accepted", e.Size, e.Max)
}

// A Recipient is a mailbox that a mail is offered to.
type Recipient struct {
	Workspace uuid.UUID
	Mailbox   uuid.UUID
	Address   string // as the sender named it
	SourceKey string // names this delivery; the same key twice is one message
	Place     *Place // where it lay at an IMAP server; nil for every other door
}

// A Place is a mail's UID in a folder of an IMAP server. It enters the ledger of
// UIDs in the transaction that stores the mail.
type Place struct {
	Folder uuid.UUID
	Epoch  int // how often the server has numbered the folder anew
	UID    uint32
}

// An Offer is a mail at the door.
type Offer struct {
	Raw      []byte   // must not change afterwards
	Envelope Envelope // RcptTo is filled in for each recipient
	To       []Recipient
}

// A pending offer waits for its commit.
type pending struct {
	rows   []row
	chunks []row // one for each workspace and piece
	bytes  int64 // sealed
	done   chan error
}

// A row is what one message, or one piece of raw mail, is stored from.
type row struct {
	job *job
	chunk
	workspace uuid.UUID
}

// Accept stores a mail, one message for each recipient, and returns after the
// commit: from then on the mail is ours. An error means that nothing was
// promised: ErrBusy and unknown errors may pass, *TooLargeError will not.
func (p *Pipeline) Accept(ctx context.Context, o Offer) error {
	start := time.Now()
	if len(o.To) == 0 {
		return errors.New("a mail without a recipient was offered")
	}
	size := int64(len(o.Raw))
	if size > p.limits.MessageBytes {
		p.Refuse(o.Envelope.Door, "too_large")
		return &TooLargeError{size, p.limits.MessageBytes}
	}
	if why := p.pressure.busy(); why != "" {
		p.Refuse(o.Envelope.Door, why)
		return fmt.Errorf("%w: %s", ErrBusy, why)
	}
	if !p.waiting.take(size) {
		p.Refuse(o.Envelope.Door, "too_much_at_once")
		return fmt.Errorf("%w: too much mail at once", ErrBusy)
	}
	defer p.waiting.give(size)
	ctx, cancel := context.WithTimeout(ctx, p.limits.AcceptWithin)
	defer cancel()
	pe, err := p.prepare(ctx, o)
	if err == nil {
		err = p.commits.submit(ctx, pe)
	}
	switch {
	case postgres.Refused(err):
		p.Refuse(o.Envelope.Door, "not_stored")
		return fmt.Errorf("the database does not take the mail: %w", err)
	case err != nil:
		p.Refuse(o.Envelope.Door, "not_stored")
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	p.metrics.accepted.Observe(time.Since(start).Seconds())
	return nil
}

// prepare does all that an offer needs and that can be done outside the commit:
// hashing, compressing, sealing, and storing what is too large for a batch.
func (p *Pipeline) prepare(ctx context.Context, o Offer) (*pending, error) {
	rawHash := sha256.Sum256(o.Raw)
	content := mail.ContentHash(o.Raw)
	now := time.Now().UTC().Truncate(time.Microsecond)
	pe := &pending{done: make(chan error, 1)}
	stored := map[uuid.UUID]bool{}
	for _, to := range o.To {
		env := o.Envelope
		env.RcptTo = to.Address
		j := &job{
			workspace: to.Workspace, id: uuid.Must(uuid.NewV7()), mailbox: to.Mailbox, sourceKey: mail.Clean(to.SourceKey),
			receivedAt: now, envelope: cleanEnvelope(env), size: int64(len(o.Raw)), stage: Received,
			rawHash: rawHash, contentHash: content, raw: o.Raw, place: to.Place,
		}
		var err error
		if j.envelopeJSON, err = json.Marshal(j.envelope); err != nil {
			return nil, fmt.Errorf("envelope: %w", err)
		}
		pe.rows = append(pe.rows, row{job: j, workspace: to.Workspace})
		if stored[to.Workspace] {
			continue
		}
		stored[to.Workspace] = true
		if err := p.prepareRaw(ctx, pe, to.Workspace, o.Raw, rawHash[:]); err != nil {
			return nil, err
		}
	}
	return pe, nil
}

// prepareRaw seals a mail of one piece to go with its message; a larger one is
// stored at once, so that no more than a piece of it is held a second time.
func (p *Pipeline) prepareRaw(ctx context.Context, pe *pending, workspace uuid.UUID, raw, hash []byte) error {
	if chunks(len(raw)) > 1 {
		return p.raws.put(ctx, workspace, raw, hash)
	}
	box, err := p.raws.vault.Box(ctx, workspace)
	if err != nil {
		return err
	}
	c, err := seal(box, raw, hash, 0)
	if err != nil {
		return err
	}
	pe.chunks = append(pe.chunks, row{chunk: c, workspace: workspace})
	pe.bytes += int64(len(c.sealed))
	return nil
}

// cleanEnvelope makes everything bound for a text column valid UTF-8 without NUL.
func cleanEnvelope(e Envelope) Envelope {
	for _, s := range []*string{&e.Door, &e.MailFrom, &e.RcptTo, &e.Peer, &e.Helo, &e.TLS, &e.Session, &e.File, &e.Folder, &e.Role} {
		*s = mail.Clean(*s)
	}
	return e
}
