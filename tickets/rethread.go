package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"postroom/internal/postgres"
)

// A Rethread files messages anew on paper: it tells where each would go today,
// and writes nothing.
type Rethread struct {
	db        *postgres.DB
	workspace uuid.UUID
	since     time.Time
	filer     *Filer
	opener    map[uuid.UUID]uuid.UUID // ticket opened on paper → the message that opened it
}

// Rethread begins a filing on paper of the messages that arrived since then.
// Tickets that are older are taken as they are.
func (d *Desk) Rethread(workspace uuid.UUID, since time.Time) *Rethread {
	return &Rethread{
		db: d.db, workspace: workspace, since: since, opener: map[uuid.UUID]uuid.UUID{},
		filer: NewFiler(workspace, nil),
	}
}

const olderSQL = `
	select l.* from unnest($2::uuid[], $3::bytea[]) as q (mailbox_id, ref)
	cross join lateral (
		select r.mailbox_id, r.ref, r.ticket_id, r.received
		from thread_ref r join ticket t on t.workspace_id = $1 and t.id = r.ticket_id and t.created_at < $4
		where r.workspace_id = $1 and r.mailbox_id = q.mailbox_id and r.ref = q.ref
		offset 0) l`

// A Placement says where an arrival would go: on an older ticket, or on the one
// that another message (or itself) would open;
// mail of ours may go on none.
type Placement struct {
	Ticket   uuid.UUID // older; zero when a message of the period would have opened it
	OpenedBy uuid.UUID // the message that would
	Evidence Evidence
}

// Place files arrivals, which must come in the order in which they arrived.
func (r *Rethread) Place(ctx context.Context, arrivals []Arrival) ([]Placement, error) {
	if err := r.lookUp(ctx, arrivals); err != nil {
		return nil, fmt.Errorf("rethread: %w", err)
	}
	places := make([]Placement, len(arrivals))
	for i, a := range arrivals {
		f := r.filer.place(a)
		if f.Opened {
			r.opener[f.TicketID] = a.MessageID
		}
		places[i] = Placement{Evidence: f.Evidence}
		if f.TicketID == uuid.Nil {
			continue
		}
		if by, ok := r.opener[f.TicketID]; ok {
			places[i].OpenedBy = by
		} else {
			places[i].Ticket = f.TicketID
		}
	}
	r.filer.posts, r.filer.fresh, r.filer.arrived, r.filer.lone = nil, nil, nil, nil // nothing will be written
	return places, nil
}

func (r *Rethread) lookUp(ctx context.Context, arrivals []Arrival) error {
	var boxes []uuid.UUID
	var keys [][]byte
	for _, a := range arrivals {
		all, _ := refs(a)
		for _, ref := range all {
			if r.filer.known[threadKey{a.MailboxID, ref}] == nil {
				boxes, keys = append(boxes, a.MailboxID), append(keys, ref[:])
			}
		}
	}
	return r.db.InConvoy(ctx, r.workspace, func(c *postgres.Convoy) error {
		c.Batch.Queue(olderSQL, r.workspace, boxes, keys, r.since).Query(r.filer.learn)
		if err := c.Send(ctx); err != nil {
			return err
		}
		r.filer.AskParty(c.Batch, arrivals)
		return nil
	})
}
