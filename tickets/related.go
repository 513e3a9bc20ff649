package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// A Relation is another ticket that may have to do with one.
type Relation struct {
	Ticket  uuid.UUID `db:"id"`
	Number  int64     `db:"number"`
	Mailbox uuid.UUID `db:"mailbox_id"`
	Subject string    `db:"subject"`
	Status  Status    `db:"status"`
	Reason  string    `db:"reason"` // SameMail, or the evidence that did not suffice
	At      time.Time `db:"at"`
}

// MaxShownRelated bounds how many related tickets are listed: the latest.
const MaxShownRelated = 50

// What is related to a ticket is related to the one that it was merged into.
const relatedSQL = `
	with recursive here as (
		select $2::uuid as id
		union
		select t.id from here join ticket t on t.merged_into = here.id and t.workspace_id = $1),
	other as (
		select distinct on (k.id) k.id, r.reason, r.at
		from here join ticket_related r on r.workspace_id = $1 and r.ticket_id = here.id
		cross join lateral (select ticket_root($1, r.other_id) as id) k
		where k.id <> $2 order by k.id, r.at)
	select t.id, t.number, t.mailbox_id, t.subject, t.status, o.reason, o.at
	from other o join ticket t on t.workspace_id = $1 and t.id = o.id
	order by o.at desc, t.number desc limit $3`

// Related lists the tickets that may have to do with one, the latest first.
func (d *Desk) Related(ctx context.Context, workspace, ticket uuid.UUID) ([]Relation, error) {
	list, err := many[Relation](ctx, d, workspace, relatedSQL, workspace, ticket, MaxShownRelated)
	if err != nil {
		return nil, fmt.Errorf("tickets related to %s: %w", ticket, err)
	}
	return list, nil
}
