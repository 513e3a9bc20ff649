package imappoll

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// errLost means that another process polls the mailbox now.
var errLost = errors.New("another process has taken the mailbox over")

// errSenseless means that the server's answer about a folder makes no sense.
var errSenseless = errors.New("the server's answer makes no sense")

// A folderError means that the server does not let us poll a folder; the others
// are polled all the same.
type folderError struct {
	name string
	err  error
}

func (e *folderError) Error() string { return e.err.Error() }
func (e *folderError) Unwrap() error { return e.err }

// ofFolder marks what is wrong with one folder only: the server refuses something,
// or makes no sense. The connection is as good as before.
func ofFolder(f *Folder, err error) error {
	if refusedBy(err) || errors.Is(err, errSenseless) {
		return &folderError{f.Name, err}
	}
	return err
}

// pollFolder takes every mail of a folder that has no row in the ledger yet,
// oldest first. anew opens the folder again, to see whether it still is the one
// that it was.
func (m *mailbox) pollFolder(ctx context.Context, se *session, f *Folder, anew bool) error {
	if anew || se.folder != f.Name || f.Validity == 0 {
		data, err := se.choose(f.Name, false)
		if err != nil {
			return err
		}
		if err := m.identify(ctx, se, f, data); err != nil {
			return err
		}
	}
	todo, last, err := m.news(ctx, se, f)
	if err != nil {
		return err
	}
	m.behind(f, len(todo))
	if err := m.takeAll(ctx, se, f, todo); err != nil {
		return err
	}
	if err := m.retryBad(ctx, se, f); err != nil {
		return err
	}
	if f.Adopting {
		return m.adopted(ctx, f, last)
	}
	if int64(last) > f.LastUID {
		f.LastUID = int64(last)
		if err := m.uids.save(ctx, f); err != nil {
			return err
		}
	}
	return m.check(ctx, se, f)
}

// news lists the UIDs that are to be taken, and the last one that the server has.
func (m *mailbox) news(ctx context.Context, se *session, f *Folder) (todo []uint32, last uint32, err error) {
	if f.LastUID >= math.MaxUint32 {
		return nil, 0, nil
	}
	first := uint32(f.LastUID) + 1
	there, err := se.uids(first)
	if err != nil || len(there) == 0 {
		return nil, 0, err
	}
	known, err := m.uids.known(ctx, f, first)
	if err != nil {
		return nil, 0, err
	}
	return without(there, known), there[len(there)-1], nil
}

// takeAll fetches and offers mails, a chunk at a time. While one chunk is being
// committed the next is read. The cursor follows what is settled.
func (m *mailbox) takeAll(ctx context.Context, se *session, f *Folder, todo []uint32) error {
	var before *batch
	var beforeLast uint32
	settle := func() error {
		if before == nil {
			return nil
		}
		if err := before.settle(); err != nil {
			return err
		}
		f.LastUID = max(f.LastUID, int64(beforeLast))
		return m.uids.save(ctx, f)
	}
	for len(todo) > 0 {
		chunk := m.chunk(f, todo)
		n := len(chunk)
		b := &batch{m: m, f: f}
		err := m.fetchChunk(ctx, se, b, chunk)
		if serr := settle(); serr != nil || err != nil {
			berr := b.settle()
			return cmp.Or(err, serr, berr)
		}
		before, beforeLast = b, chunk[n-1]
		todo = todo[n:]
		m.behind(f, len(todo))
	}
	return settle()
}

// chunk is the mails to be asked for next. One that is suspected to break the
// connection is asked for alone, so that the blame is certain.
func (m *mailbox) chunk(f *Folder, todo []uint32) []uint32 {
	n := 1
	for n < min(len(todo), m.p.limits.Chunk) && !m.suspected(f, todo[0]) && !m.suspected(f, todo[n]) {
		n++
	}
	return todo[:n]
}

// identify compares a folder with the one we know by its name. A server that has
// numbered it anew (another UIDVALIDITY), or gone back to an older state (UIDs or
// mod-sequences that were there are ahead of it, or known numbers are other mails'),
// begins an epoch.
func (m *mailbox) identify(ctx context.Context, se *session, f *Folder, data *imap.SelectData) error {
	modseq := int64(min(data.HighestModSeq, math.MaxInt64))
	next := data.UIDNext
	if next == 0 {
		var err error
		if next, err = se.nextUID(); err != nil {
			return err
		}
	}
	switch {
	case data.UIDValidity == 0:
		return fmt.Errorf("folder %q: the server gives mails no lasting numbers (no UIDVALIDITY); it cannot be polled: %w", clean(f.Name), errSenseless)
	case f.Validity == 0:
		return m.firstSight(ctx, se, f, data)
	case f.Validity == int64(data.UIDValidity) && (next == 0 || int64(next) > f.LastUID) && (modseq == 0 || modseq >= f.ModSeq):
		still := modseq != 0 && modseq == f.ModSeq // nothing has happened there
		f.ModSeq = modseq                          // saved with the cursor
		if !still {
			other, err := m.contradicted(ctx, se, f)
			if err != nil {
				return err
			}
			if other {
				break
			}
		}
		if f.Adopting && m.old[f.ID] == nil {
			return m.remember(ctx, f)
		}
		return nil
	}
	return m.beginEpoch(ctx, f, data)
}

// beginEpoch has a folder read again, because its numbers are not those we know.
func (m *mailbox) beginEpoch(ctx context.Context, f *Folder, data *imap.SelectData) error {
	next := *f
	next.Validity, next.Epoch, next.Adopting = int64(data.UIDValidity), f.Epoch+1, true
	next.LastUID, next.ModSeq, next.Witnesses = 0, int64(min(data.HighestModSeq, math.MaxInt64)), nil
	if err := m.uids.save(ctx, &next); err != nil {
		return err
	}
	m.log(ctx, "the server numbers a folder anew; its mails are recognised by what they say",
		"folder", f.Name, "was", f.Validity, "is", next.Validity)
	*f = next
	return m.remember(ctx, f)
}

// firstSight begins the first epoch of a folder. Mail that is not wanted gets its
// rows at once, so that the ledger accounts for it.
func (m *mailbox) firstSight(ctx context.Context, se *session, f *Folder, data *imap.SelectData) error {
	next := *f
	next.Validity, next.Epoch, next.LastUID = int64(data.UIDValidity), f.Epoch+1, 0
	next.ModSeq, next.Witnesses = int64(min(data.HighestModSeq, math.MaxInt64)), nil
	var before []uint32
	if since, ok := m.a.since(); ok && data.NumMessages > 0 {
		var err error
		if before, err = se.olderThan(since); err != nil {
			return err
		}
	}
	err := m.uids.in(ctx, func(tx pgx.Tx) error {
		if err := m.uids.note(ctx, tx, &next, "before", before); err != nil {
			return err
		}
		return m.uids.saveIn(ctx, tx, &next)
	})
	if err != nil {
		return fmt.Errorf("first sight of folder %q: %w", clean(f.Name), err)
	}
	*f = next
	return nil
}

// olderThan lists the mails received before a moment. SEARCH knows only days, of
// whatever zone, so those around it are asked for their time.
func (se *session) olderThan(t time.Time) ([]uint32, error) {
	search := func(c imap.SearchCriteria) ([]uint32, error) {
		se.begin()
		data, err := se.c.UIDSearch(&c, nil).Wait()
		if err != nil {
			return nil, fmt.Errorf("older mails of folder %q: %w", clean(se.folder), plainly(err))
		}
		return se.ascending(data, 1)
	}
	const day = 24 * time.Hour
	older, err := search(imap.SearchCriteria{Before: t.Add(-2 * day)})
	if err != nil {
		return nil, err
	}
	near, err := search(imap.SearchCriteria{Since: t.Add(-2 * day), Before: t.Add(2 * day)})
	if err != nil {
		return nil, err
	}
	at, err := se.dates(near)
	if err != nil {
		return nil, err
	}
	for _, u := range near {
		if when, ok := at[u]; ok && !when.IsZero() && when.Before(t) {
			older = append(older, u)
		}
	}
	slices.Sort(older)
	return slices.Compact(older), nil
}

// An oldUID is the row of a mail in an earlier epoch.
type oldUID struct {
	prefix uint64 // of its hash
	epoch  int32
	uid    uint32
}

// oldUIDs are all of them, ordered by prefix. Sixteen bytes each, so that a
// million fit.
type oldUIDs []oldUID

func (l oldUIDs) candidates(hash [32]byte) []oldUID {
	prefix := binary.BigEndian.Uint64(hash[:])
	i, _ := slices.BinarySearchFunc(l, prefix, func(o oldUID, p uint64) int { return cmp.Compare(o.prefix, p) })
	var list []oldUID
	for ; i < len(l) && l[i].prefix == prefix; i++ {
		if l[i].uid != 0 {
			list = append(list, l[i])
		}
	}
	return list
}

// claimed strikes a row out: it is the mail under its new number now.
func (l oldUIDs) claimed(o oldUID) {
	i, _ := slices.BinarySearchFunc(l, o.prefix, func(o oldUID, p uint64) int { return cmp.Compare(o.prefix, p) })
	for ; i < len(l) && l[i].prefix == o.prefix; i++ {
		if l[i] == o {
			l[i].uid = 0
			return
		}
	}
}

// remember reads the rows of earlier epochs.
func (m *mailbox) remember(ctx context.Context, f *Folder) error {
	var list oldUIDs
	err := m.uids.in(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, oldSQL, m.a.Workspace, f.ID, f.Epoch)
		if err != nil {
			return err
		}
		var o oldUID
		var uid int64
		var hash []byte
		_, err = pgx.ForEachRow(rows, []any{&o.epoch, &uid, &hash}, func() error {
			o.uid, o.prefix = uint32(uid), binary.BigEndian.Uint64(hash)
			list = append(list, o)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("earlier mails of folder %q: %w", clean(f.Name), err)
	}
	slices.SortFunc(list, func(a, b oldUID) int { return cmp.Compare(a.prefix, b.prefix) })
	if m.old == nil {
		m.old = map[uuid.UUID]oldUIDs{}
	}
	m.old[f.ID] = list
	return nil
}

// adopted ends the recognising: what was not found again is not there any more.
func (m *mailbox) adopted(ctx context.Context, f *Folder, last uint32) error {
	next := *f
	next.Adopting, next.LastUID = false, max(f.LastUID, int64(last))
	err := m.uids.in(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, retireSQL, m.a.Workspace, f.ID, f.Epoch); err != nil {
			return err
		}
		return m.uids.saveIn(ctx, tx, &next)
	})
	if err != nil {
		return fmt.Errorf("folder %q numbered anew: %w", clean(f.Name), err)
	}
	delete(m.old, f.ID)
	*f = next
	return nil
}
