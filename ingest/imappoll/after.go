package imappoll

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
)

// due for an action are only mails that are stored, in the present epoch, and that
// the server still has.
const actSQL = `
	select uid from imap_uid u
	where workspace_id = $1 and folder_id = $2 and epoch = $3 and state = 'stored' and present
		and case when $4 = 'seen' then not seen else not acted and at <= now() - $5::interval end
		and exists (select from message m where m.workspace_id = $1 and m.id = u.message_id)
	order by uid limit $6`

const actedSQL = `
	update imap_uid set seen = seen or $5 = 'seen', acted = acted or $5 <> 'seen', present = present and $5 = 'seen'
	where workspace_id = $1 and folder_id = $2 and epoch = $3 and uid = any ($4)`

// afterwards does at the server what the settings ask for, with mail that is ours
// for certain: it was committed, in an earlier transaction. A crash between doing
// and noting does it again, which changes nothing.
func (m *mailbox) afterwards(ctx context.Context, se *session, f *Folder) error {
	if f.Role != Inbox || f.Adopting {
		return nil
	}
	if m.a.MarkSeen {
		if err := m.act(ctx, se, f, "seen", se.markSeen); err != nil {
			return err
		}
	}
	switch m.a.After {
	case Move:
		return m.act(ctx, se, f, "move", func(set imap.UIDSet) error { return se.move(set, m.a.MoveTo) })
	case Delete:
		return m.act(ctx, se, f, "delete", se.expunge)
	}
	return nil
}

// act runs one action over all mails that are due for it.
func (m *mailbox) act(ctx context.Context, se *session, f *Folder, action string, do func(imap.UIDSet) error) error {
	for {
		list, err := m.dueFor(ctx, f, action)
		if err != nil || len(list) == 0 {
			return err
		}
		if !se.writable || se.folder != f.Name {
			data, err := se.choose(f.Name, true)
			if err != nil {
				return err
			}
			if int64(data.UIDValidity) != f.Validity {
				return nil // another folder by now: the next poll sees to it
			}
		}
		var set imap.UIDSet
		for _, u := range list {
			set.AddNum(imap.UID(u))
		}
		err = do(set)
		if refusedBy(err) {
			return m.p.raise(ctx, m.a, alert.Deletes,
				fmt.Sprintf("What is to be done at the server with mail of %s that was taken (%s) is refused: %s", m.a.Address, action, clean(err.Error())),
				"Check the folder's name and rights at the server, or switch the action off. The mail itself is safe here.")
		}
		if err != nil {
			return err
		}
		if err := m.uids.in(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, actedSQL, m.a.Workspace, f.ID, f.Epoch, wide(list), action)
			return err
		}); err != nil {
			return err
		}
	}
}

func (m *mailbox) dueFor(ctx context.Context, f *Folder, action string) ([]uint32, error) {
	var list []uint32
	err := m.uids.in(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, actSQL, m.a.Workspace, f.ID, f.Epoch, action, max(leastGrace, m.a.Grace), m.p.limits.ActAtOnce)
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
	return list, err
}

func (se *session) markSeen(set imap.UIDSet) error { return se.flag(set, imap.FlagSeen) }

func (se *session) flag(set imap.UIDSet, flag imap.Flag) error {
	se.begin()
	return se.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
}

// move moves mails. The library's own fallback for servers without MOVE deletes
// before it knows that the copy was made, and may expunge other people's mail.
func (se *session) move(set imap.UIDSet, to string) error {
	se.begin()
	if se.caps.Has(imap.CapMove) {
		_, err := se.c.Move(set, to).Wait()
		return err
	}
	if _, err := se.c.Copy(set, to).Wait(); err != nil {
		return err
	}
	return se.expunge(set)
}

// expunge deletes mails. Without UIDPLUS they are only marked: a plain EXPUNGE
// would take everything that anybody has marked.
func (se *session) expunge(set imap.UIDSet) error {
	if err := se.flag(set, imap.FlagDeleted); err != nil || !se.caps.Has(imap.CapUIDPlus) {
		return err
	}
	se.begin()
	return se.c.UIDExpunge(set).Close()
}

// leastGrace keeps a move or deletion out of the poll that stored the mail.
const leastGrace = time.Second
