package imappoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"postroom/internal/alert"
)

// A suspect is a mail at which the connection broke.
type suspect struct {
	folder uuid.UUID
	uid    uint32
}

func (m *mailbox) suspected(f *Folder, uid uint32) bool { return m.suspects[suspect{f.ID, uid}] > 0 }

// fetchChunk fetches mails and makes sure that each of them is accounted for: on
// its way to the ledger, gone from the server, or set aside with a reason.
func (m *mailbox) fetchChunk(ctx context.Context, se *session, b *batch, chunk []uint32) error {
	seen, err := se.fetch(ctx, chunk, m.p.room, func(g mailing) error { return b.take(ctx, g) })
	for u := range seen {
		delete(m.suspects, suspect{b.f.ID, u})
	}
	var left []uint32
	for _, u := range chunk {
		if !seen[u] {
			left = append(left, u)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !refusedBy(err):
		return m.blame(ctx, b.f, left, err)
	case len(left) == 0:
		return nil
	case len(chunk) > 1:
		return m.isolate(ctx, se, b, left)
	}
	return m.missing(ctx, se, b.f, chunk[0], err)
}

// isolate asks for mails one by one that were left out of the answer for many.
func (m *mailbox) isolate(ctx context.Context, se *session, b *batch, left []uint32) error {
	there, err := se.uids(left[0])
	if err != nil {
		return err
	}
	for _, u := range without(left, there) {
		if err := m.uids.gone(ctx, b.f, u); err != nil {
			return err
		}
	}
	for _, u := range without(left, without(left, there)) {
		if err := m.fetchChunk(ctx, se, b, []uint32{u}); err != nil {
			return err
		}
	}
	return nil
}

// blame deals with a connection that broke: the first mail that had not come is
// suspected. It is asked for alone from now on, and set aside when the connection
// breaks at it time and again, so that those behind it get their turn.
func (m *mailbox) blame(ctx context.Context, f *Folder, left []uint32, err error) error {
	if len(left) == 0 || errors.Is(err, errFull) {
		return err
	}
	s := suspect{f.ID, left[0]}
	m.suspects[s]++
	if m.suspects[s] > m.p.limits.SuspectAfter && len(left) == 1 {
		delete(m.suspects, s)
		if serr := m.setAside(ctx, f, badUID{uid: s.uid}, "the connection breaks whenever it is read: "+err.Error()); serr != nil {
			return serr
		}
	}
	return err
}

// missing deals with one mail that the server would not give.
func (m *mailbox) missing(ctx context.Context, se *session, f *Folder, uid uint32, why error) error {
	there, err := se.uids(uid)
	if err != nil {
		return err
	}
	if len(there) == 0 || there[0] != uid {
		return m.uids.gone(ctx, f, uid)
	}
	reason := "the server has it and answers nothing when asked for it"
	if why != nil {
		reason = "the server will not give it: " + why.Error()
	}
	return m.setAside(ctx, f, badUID{uid: uid}, reason)
}

// setAside records a failed attempt; after enough of them the mail is parked, an
// alert says so, and it is still tried now and then.
func (m *mailbox) setAside(ctx context.Context, f *Folder, b badUID, reason string) error {
	if b.attempts++; b.attempts >= m.p.limits.ParkAfter {
		return m.parkAfter(ctx, f, b, reason)
	}
	wait := min(m.p.limits.RetryMost, m.p.limits.RetryFirst<<(b.attempts-1))
	m.log(ctx, "a mail cannot be read; the others go on", "folder", f.Name, "uid", b.uid, "attempt", b.attempts, "err", reason)
	return m.uids.setAside(ctx, f, b, "waiting", wait, reason)
}

// park puts a mail aside that no further attempt is likely to get.
func (m *mailbox) park(ctx context.Context, f *Folder, uid uint32, reason string) error {
	return m.parkAfter(ctx, f, badUID{uid: uid, attempts: m.p.limits.ParkAfter}, reason)
}

func (m *mailbox) parkAfter(ctx context.Context, f *Folder, b badUID, reason string) error {
	m.log(ctx, "a mail is parked", "folder", f.Name, "uid", b.uid, "err", reason)
	if err := m.uids.setAside(ctx, f, b, "parked", m.p.limits.RetryMost, reason); err != nil {
		return err
	}
	return m.p.raise(ctx, m.a, alert.Parked,
		fmt.Sprintf("A mail in folder %s of %s cannot be taken (UID %d): %s", clean(f.Name), m.a.Address, b.uid, clean(reason)),
		"Open it in another mail program and forward it, or delete it there. It is tried again every day.")
}

// retryBad tries the mails again whose time has come, each alone.
func (m *mailbox) retryBad(ctx context.Context, se *session, f *Folder) error {
	list, err := m.uids.due(ctx, f, m.p.limits.RetryAtOnce)
	if err != nil {
		return err
	}
	for _, bad := range list {
		if err := m.retry(ctx, se, f, bad); err != nil {
			return err
		}
	}
	return nil
}

func (m *mailbox) retry(ctx context.Context, se *session, f *Folder, bad badUID) error {
	b := &batch{m: m, f: f}
	// Counted before the attempt: what kills the connection, or us, is counted too.
	bad.attempts++
	state, wait := "waiting", min(m.p.limits.RetryMost, m.p.limits.RetryFirst<<min(bad.attempts-1, 20))
	if bad.attempts >= m.p.limits.ParkAfter {
		state, wait = "parked", m.p.limits.RetryMost
	}
	if err := m.uids.setAside(ctx, f, bad, state, wait, "it is being tried again"); err != nil {
		return err
	}
	seen, err := se.fetch(ctx, []uint32{bad.uid}, m.p.room, func(g mailing) error { return b.take(ctx, g) })
	if serr := b.settle(); serr != nil {
		return serr
	}
	switch {
	case errors.Is(err, errFull):
		bad.attempts-- // no fault of the mail's
		return cmp.Or(m.uids.setAside(ctx, f, bad, "waiting", m.p.limits.RetryFirst, err.Error()), err)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !refusedBy(err):
		bad.attempts--
		if serr := m.setAside(ctx, f, bad, "the connection breaks when it is read: "+err.Error()); serr != nil {
			return serr
		}
		return err
	case seen[bad.uid]:
		return nil
	}
	there, lerr := se.uids(bad.uid)
	if lerr != nil {
		return lerr
	}
	if len(there) == 0 || there[0] != bad.uid {
		return m.uids.gone(ctx, f, bad.uid)
	}
	bad.attempts--
	reason := "the server has it and answers nothing when asked for it"
	if err != nil {
		reason = "the server will not give it: " + err.Error()
	}
	return m.setAside(ctx, f, bad, reason)
}

// jitter spreads a wait over half to one and a half of it.
func jitter(d time.Duration, random float64) time.Duration {
	return d/2 + time.Duration(random*float64(d))
}
