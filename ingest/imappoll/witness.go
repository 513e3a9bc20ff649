package imappoll

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/jackc/pgx/v5"
)

// A Witness is a mail that was taken, as the server described it. As long as the
// server says the same of that UID, the folder still is the one that was polled.
type Witness struct {
	UID  uint32    `json:"uid"`
	Size int64     `json:"size"` // RFC822.SIZE
	At   time.Time `json:"at"`   // INTERNALDATE
}

// witnesses is how many mails of a folder, the latest, are remembered so.
const witnesses = 8

// latest joins witnesses to those that there are.
func latest(have, more []Witness) []Witness {
	list := append(slices.Clone(more), have...) // of one UID the first stays, what was said last
	slices.SortStableFunc(list, func(a, b Witness) int { return cmp.Compare(a.UID, b.UID) })
	list = slices.CompactFunc(list, func(a, b Witness) bool { return a.UID == b.UID })
	return append([]Witness{}, list[max(0, len(list)-witnesses):]...)
}

// contradicted reports whether the open folder, which calls itself the one that we
// know, holds another mail under a number that we know. RFC 3501 §2.3.1.1 forbids
// it; a server that was put back from a backup does it, and says so by nothing
// else once it has given out more numbers than it had before.
func (m *mailbox) contradicted(ctx context.Context, se *session, f *Folder) (bool, error) {
	if len(f.Witnesses) == 0 || time.Since(m.doubted[f.ID]) < m.p.limits.DoubtEvery {
		return false, nil
	}
	var known []uint32
	for _, w := range f.Witnesses {
		known = append(known, w.UID)
	}
	now, err := se.describe(known)
	if err != nil {
		return false, err
	}
	if len(now) == 0 {
		return m.reappeared(se, f)
	}
	for _, w := range f.Witnesses {
		n, there := now[w.UID]
		if !there || n.like(w) {
			continue
		}
		same, err := m.sameMail(ctx, se, f, w.UID)
		if err != nil {
			return false, err
		}
		if !same {
			m.doubted[f.ID] = time.Now()
			return true, nil
		}
	}
	var said []Witness
	for _, n := range now {
		said = append(said, n)
	}
	f.Witnesses = latest(f.Witnesses, said) // saved with the cursor
	return false, nil
}

// like reports whether two descriptions may be of one mail.
func (w Witness) like(o Witness) bool { return w.Size == o.Size && w.At.Equal(o.At) }

// lookBack is how many new mails, the latest, are compared with those that are gone.
const lookBack = 256

// reappeared reports whether the mails that bore witness, which are all gone, are
// there under new numbers: a server that lost its index may number a folder anew
// under the same UIDVALIDITY.
func (m *mailbox) reappeared(se *session, f *Folder) (bool, error) {
	if f.LastUID >= math.MaxUint32 {
		return false, nil
	}
	list, err := se.uids(uint32(f.LastUID) + 1)
	if err != nil || len(list) == 0 {
		return false, err
	}
	now, err := se.describe(list[max(0, len(list)-lookBack):])
	if err != nil {
		return false, err
	}
	found := 0
	for _, w := range f.Witnesses {
		for _, n := range now {
			if n.like(w) {
				found++
				break
			}
		}
	}
	if 2*found < len(f.Witnesses) {
		return false, nil // they were deleted or moved
	}
	m.doubted[f.ID] = time.Now()
	return true, nil
}

// describe asks what the server says of mails now. Those that are gone are left out.
func (se *session) describe(list []uint32) (map[uint32]Witness, error) {
	var set imap.UIDSet
	for _, u := range list {
		set.AddNum(imap.UID(u))
	}
	now := make(map[uint32]Witness, len(list))
	se.begin()
	cmd := se.c.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true})
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		var w Witness
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				w.UID = uint32(item.UID)
			case imapclient.FetchItemDataInternalDate:
				w.At = date(item.Time)
			case imapclient.FetchItemDataRFC822Size:
				w.Size = item.Size
			}
		}
		if w.UID != 0 {
			now[w.UID] = w
		}
	}
	if err := cmd.Close(); err != nil && !refusedBy(err) {
		return nil, fmt.Errorf("look at known mails of folder %q: %w", clean(se.folder), plainly(err))
	}
	return now, nil
}

const hashSQL = `
	select hash from imap_uid where workspace_id = $1 and folder_id = $2 and epoch = $3 and uid = $4 and state = 'stored'`

// sameMail compares a mail of the server with what was taken under its number. What
// cannot be read or was never stored contradicts nothing.
func (m *mailbox) sameMail(ctx context.Context, se *session, f *Folder, uid uint32) (bool, error) {
	var hash []byte
	err := m.uids.in(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, hashSQL, m.a.Workspace, f.ID, f.Epoch, int64(uid)).Scan(&hash)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("ledger of folder %q: %w", clean(f.Name), err)
	}
	same := true
	_, err = se.fetch(ctx, []uint32{uid}, m.p.room, func(g mailing) error {
		if g.raw == nil || g.uid != uid {
			return nil
		}
		sum := sha256.Sum256(g.raw)
		same = bytes.Equal(sum[:], hash)
		m.p.room.give(g.size)
		return nil
	})
	if refusedBy(err) {
		err = nil
	}
	return same, err
}

// nextUID asks for the number that the next mail will get, where opening the folder
// did not tell it; 0 when that is not told either.
func (se *session) nextUID() (imap.UID, error) {
	se.begin()
	st, err := se.c.Status(se.folder, &imap.StatusOptions{UIDNext: true}).Wait()
	switch {
	case refusedBy(err):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("state of folder %q: %w", clean(se.folder), plainly(err))
	}
	return st.UIDNext, nil
}
