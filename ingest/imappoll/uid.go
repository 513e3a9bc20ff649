package imappoll

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// uids is the ledger of UIDs of one mailbox, written by the holder of a fence.
type uidLedger struct {
	*accounts
	workspace, mailbox uuid.UUID
	fence              int64
}

func (l *uidLedger) in(ctx context.Context, fn func(pgx.Tx) error) error {
	return l.db.InWorkspaceByKey(ctx, l.workspace, fn)
}

const knownSQL = `
	select uid from imap_uid where workspace_id = $1 and folder_id = $2 and epoch = $3 and uid >= $4 order by uid`

// known lists the UIDs from first on that have a row, in ascending order.
func (l *uidLedger) known(ctx context.Context, f *Folder, first uint32) ([]uint32, error) {
	var list []uint32
	err := l.in(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, knownSQL, l.workspace, f.ID, f.Epoch, int64(first))
		if err != nil {
			return err
		}
		var u int64
		_, err = pgx.ForEachRow(rows, []any{&u}, func() error {
			list = append(list, uint32(u))
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger of folder %q: %w", clean(f.Name), err)
	}
	return list, nil
}

// without returns the elements of a that are not in b; both ascend.
func without(a, b []uint32) []uint32 {
	var rest []uint32
	i := 0
	for _, u := range a {
		for i < len(b) && b[i] < u {
			i++
		}
		if i == len(b) || b[i] != u {
			rest = append(rest, u)
		}
	}
	return rest
}

// fencedSQL guards every write of a poller by its fence: who lost the mailbox to
// another process writes nothing.
const fencedSQL = `exists (select from imap_account a where a.workspace_id = $1 and a.mailbox_id = $2 and a.fence = $3)`

const saveFolderSQL = `
	update imap_folder set validity = $5, epoch = $6, adopting = $7, last_uid = $8, modseq = $9, witnesses = $10
	where workspace_id = $1 and mailbox_id = $2 and id = $4 and ` + fencedSQL

// save writes a folder's cursor.
func (l *uidLedger) save(ctx context.Context, f *Folder) error {
	return l.in(ctx, func(tx pgx.Tx) error { return l.saveIn(ctx, tx, f) })
}

func (l *uidLedger) saveIn(ctx context.Context, tx pgx.Tx, f *Folder) error {
	tag, err := tx.Exec(ctx, saveFolderSQL, l.workspace, l.mailbox, l.fence, f.ID, f.Validity, f.Epoch, f.Adopting, f.LastUID, f.ModSeq, append([]Witness{}, f.Witnesses...))
	if err == nil && tag.RowsAffected() == 0 {
		err = errLost
	}
	if err != nil {
		return fmt.Errorf("cursor of folder %q: %w", clean(f.Name), err)
	}
	return nil
}

const plainRowsSQL = `
	insert into imap_uid (workspace_id, folder_id, epoch, uid, state)
	select $1, $2, $3, u, $5 from unnest($4::bigint[]) as u on conflict do nothing`

// note writes rows for UIDs that hold no mail of ours: what was there before, or
// is gone.
func (l *uidLedger) note(ctx context.Context, tx pgx.Tx, f *Folder, state string, list []uint32) error {
	const atOnce = 10_000
	for len(list) > 0 {
		n := min(len(list), atOnce)
		if _, err := tx.Exec(ctx, plainRowsSQL, l.workspace, f.ID, f.Epoch, wide(list[:n]), state); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func wide(list []uint32) []int64 {
	w := make([]int64, len(list))
	for i, u := range list {
		w[i] = int64(u)
	}
	return w
}

const adoptSQL = `
	update imap_uid u set epoch = $5, uid = $6, present = true
	where u.workspace_id = $1 and u.folder_id = $2 and u.epoch = $3 and u.uid = $4 and u.state = 'stored' and u.hash = $7
		and not exists (select from imap_uid x where x.workspace_id = $1 and x.folder_id = $2 and x.epoch = $5 and x.uid = $6)`

// adopt gives the row of an earlier epoch its new UID, if it is of the same mail.
func (l *uidLedger) adopt(ctx context.Context, f *Folder, old oldUID, uid uint32, hash []byte) (bool, error) {
	var done bool
	err := l.in(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, adoptSQL, l.workspace, f.ID, old.epoch, int64(old.uid), f.Epoch, int64(uid), hash)
		done = tag.RowsAffected() == 1
		return err
	})
	return done, err
}

const oldSQL = `
	select epoch, uid, hash from imap_uid
	where workspace_id = $1 and folder_id = $2 and epoch < $3 and state = 'stored'`

const retireSQL = `
	update imap_uid set present = false where workspace_id = $1 and folder_id = $2 and epoch < $3 and present`

// A bad UID is one that could not be read.
type badUID struct {
	uid      uint32
	attempts int
}

const dueSQL = `
	select uid, attempts from imap_uid
	where workspace_id = $1 and folder_id = $2 and epoch = $3 and state in ('waiting', 'parked') and due_at <= now()
	order by due_at limit $4`

// due lists the bad UIDs whose time to be tried again has come.
func (l *uidLedger) due(ctx context.Context, f *Folder, n int) ([]badUID, error) {
	var list []badUID
	err := l.in(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, dueSQL, l.workspace, f.ID, f.Epoch, n)
		if err != nil {
			return err
		}
		var u int64
		var b badUID
		_, err = pgx.ForEachRow(rows, []any{&u, &b.attempts}, func() error {
			b.uid = uint32(u)
			list = append(list, b)
			return nil
		})
		return err
	})
	return list, err
}

const setAsideSQL = `
	insert into imap_uid as u (workspace_id, folder_id, epoch, uid, state, attempts, due_at, reason)
	values ($1, $2, $3, $4, $5, $6, now() + $7::interval, $8)
	on conflict (workspace_id, folder_id, epoch, uid) do update
		set state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at, reason = excluded.reason
		where u.state in ('waiting', 'parked')`

// setAside records a failed attempt on a UID, so that the others flow on.
func (l *uidLedger) setAside(ctx context.Context, f *Folder, b badUID, state string, wait time.Duration, reason string) error {
	return l.in(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, setAsideSQL, l.workspace, f.ID, f.Epoch, int64(b.uid), state, b.attempts, wait, clean(reason))
		return err
	})
}

const goneSQL = `
	insert into imap_uid as u (workspace_id, folder_id, epoch, uid, state, present) values ($1, $2, $3, $4, 'gone', false)
	on conflict (workspace_id, folder_id, epoch, uid) do update
		set state = 'gone', present = false, due_at = null, reason = null where u.state in ('waiting', 'parked')`

// gone records a UID that the server no longer had when it was to be read.
func (l *uidLedger) gone(ctx context.Context, f *Folder, uid uint32) error {
	return l.in(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, goneSQL, l.workspace, f.ID, f.Epoch, int64(uid))
		return err
	})
}
