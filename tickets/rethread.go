package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
	opens     map[int64]uuid.UUID     // number of a ticket of the period → the message that opened it
}

// Rethread begins a filing on paper of the messages that arrived since then.
// Tickets that are older are taken as they are.
func (d *Desk) Rethread(workspace uuid.UUID, since time.Time) *Rethread {
	return &Rethread{
		db: d.db, workspace: workspace, since: since, opener: map[uuid.UUID]uuid.UUID{},
		opens: map[int64]uuid.UUID{}, filer: d.NewFiler(workspace, nil),
	}
}

// openersSQL finds the messages that opened the tickets of the period which are
// mentioned by number: what opens one on paper has no number.
const openersSQL = `
	select l.* from unnest($2::bigint[]) as q (number)
	cross join lateral (
		select t.number, p.message_id from ticket t join post p on p.workspace_id = $1 and p.ticket_id = t.id
		where t.number = q.number and t.workspace_id = $1 and t.created_at >= $3
		order by p.message_id limit 1) l`

// A Placement says where an arrival would go: on an older ticket, or on the one
// that another message (or itself) would open; mail of ours may go on none.
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
	for i := range arrivals {
		a := &arrivals[i]
		r.nameOpened(a)
		f := r.filer.place(a)
		if f.Opened {
			r.opener[f.TicketID] = a.MessageID
		}
		places[i].Evidence = f.Evidence
	}
	for i, a := range arrivals {
		t := r.filer.placed[a.MessageID]
		if t == nil {
			continue
		}
		t = t.root()
		if by, ok := r.opener[t.id]; ok {
			places[i].OpenedBy = by
		} else {
			places[i].Ticket = t.id
		}
	}
	r.filer.writes = newWrites() // nothing will be written
	clear(r.filer.clues)
	return places, nil
}

// nameOpened gives the numbers that an arrival mentions to tickets that were
// opened on paper.
func (r *Rethread) nameOpened(a *Arrival) {
	for _, n := range r.filer.read(a).numbers() {
		if t := r.filer.placed[r.opens[n]]; t != nil {
			r.filer.numbered[n] = named{t, t.mailbox}
		}
	}
}

func (r *Rethread) lookUp(ctx context.Context, arrivals []Arrival) error {
	return r.db.InConvoy(ctx, r.workspace, func(c *postgres.Convoy) error {
		numbers := r.filer.mentioned(arrivals).numbers
		r.filer.lookUp(c.Batch, arrivals, &r.since)
		if len(numbers) > 0 {
			c.Batch.Queue(openersSQL, r.workspace, numbers, r.since).Query(func(rows pgx.Rows) error {
				var number int64
				var message uuid.UUID
				_, err := pgx.ForEachRow(rows, []any{&number, &message}, func() error {
					r.opens[number] = message
					return nil
				})
				return err
			})
		}
		if err := c.Send(ctx); err != nil {
			return err
		}
		r.filer.AskParty(c.Batch, arrivals)
		return nil
	})
}
