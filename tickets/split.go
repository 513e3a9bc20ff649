package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/tickets/audit"
)

// MaxSplit bounds how many messages are split off at once.
const MaxSplit = 1000

// leaving is a message that is to leave its ticket.
type leaving struct {
	Message uuid.UUID `db:"message_id"`
	Mailbox uuid.UUID `db:"mailbox_id"`
	Subject string    `db:"subject"`
	At      time.Time `db:"at"`
	Name    string    `db:"author_name"`
	Email   string    `db:"author_email"`
	Others  []string  `db:"others"`
	Ref     []byte    `db:"ref"`
	Ours    bool      `db:"ours"`
	Machine string    `db:"automatic"`
}

const (
	leavingSQL = `
		select p.message_id, m.mailbox_id, m.subject, p.at, p.author_name, p.author_email, p.others, p.ref, p.ours, p.automatic
		from post p join message m on m.workspace_id = $1 and m.id = p.message_id
		where p.workspace_id = $1 and p.ticket_id = $2 and p.message_id = any ($3) order by p.message_id`
	stayingSQL = `
		select exists (select from post where workspace_id = $1 and ticket_id = $2 and message_id <> all ($3))`
	// A split that has been done in these words, and stands.
	sameSplitSQL = `
		select ` + moveColumns + ` from ticket_move v
		where v.workspace_id = $1 and v.source_id = $2 and v.kind = 'split' and v.undone_at is null
			and (select array_agg(d.message_id order by d.message_id) from ticket_moved d where d.workspace_id = $1 and d.move_id = v.id) = $3
		order by v.id desc limit 1`
	nextNumberSQL = `update ticket_counter set last = last + 1 where workspace_id = $1 returning last`
	openOneSQL    = `
		insert into ticket (workspace_id, id, number, mailbox_id, subject, status, requester_name, requester_email,
			messages, created_at, updated_at, apart)
		values ($1, $2, $3, $4, $5, 'open', $6, $7, 0, $8, $8, true)`
	// What was received is on the new ticket; the old one has only referred to it.
	leftSQL = `
		update thread_ref set received = false where workspace_id = $1 and mailbox_id = $2 and ref = $3 and ticket_id = $4`
)

// Split takes messages off a ticket onto a new one. Mail that answers them goes
// there from then on. Saying it twice does it once. Messages that are not on the
// ticket are ErrNotFound; all of a ticket's messages are ErrConflict.
func (d *Desk) Split(ctx context.Context, workspace uuid.UUID, actor string, ticket uuid.UUID, messages []uuid.UUID) (Move, error) {
	list := slices.Clone(messages)
	slices.SortFunc(list, func(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) })
	list = slices.Compact(list)
	if len(list) == 0 || len(list) > MaxSplit {
		return Move{}, &InvalidError{"messages", fmt.Sprintf("it names %d messages; 1 to %d can be split off at once", len(list), MaxSplit)}
	}
	var id uuid.UUID
	err := d.change(ctx, workspace, func(tx pgx.Tx, chain *audit.Chain, b *pgx.Batch) error {
		done, err := readMove(ctx, tx, sameSplitSQL, workspace, ticket, list)
		if err == nil || !errors.Is(err, ErrNotFound) {
			id = done.ID
			return err
		}
		s, err := readStanding(ctx, tx, workspace, ticket)
		if err != nil {
			return err
		}
		m, number, err := d.split(ctx, tx, b, workspace, move{
			id: uuid.Must(uuid.NewV7()), kind: Split, source: s.Root, target: uuid.Must(uuid.NewV7()), actor: actor, messages: list,
		})
		if err != nil {
			return err
		}
		id = m.id
		return chain.Add(audit.Entry{
			Actor: actor, Action: "ticket.split", Target: "ticket:" + s.Root.String(),
			Detail: map[string]any{"messages": list, "into": m.target, "number": number, "move": id},
		})
	})
	if err != nil {
		return Move{}, fmt.Errorf("split ticket %s: %w", ticket, err)
	}
	return d.Move(ctx, workspace, id)
}

// split opens the new ticket and queues what puts the messages on it.
func (d *Desk) split(ctx context.Context, tx pgx.Tx, b *pgx.Batch, workspace uuid.UUID, m move) (move, int64, error) {
	rows, err := tx.Query(ctx, leavingSQL, workspace, m.source, m.messages)
	if err != nil {
		return m, 0, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[leaving])
	if err != nil {
		return m, 0, err
	}
	if len(list) != len(m.messages) {
		return m, 0, ErrNotFound
	}
	var others bool
	if err := tx.QueryRow(ctx, stayingSQL, workspace, m.source, m.messages).Scan(&others); err != nil {
		return m, 0, err
	}
	if !others {
		return m, 0, &ConflictError{"These are all messages of the ticket, and one must stay. Leave one out, or merge the ticket into another."}
	}
	var number int64
	if err := tx.QueryRow(ctx, nextNumberSQL, workspace).Scan(&number); err != nil {
		return m, 0, err
	}
	first := list[max(0, slices.IndexFunc(list, func(l leaving) bool { return !l.Ours }))] // whoever asks, not who answers
	b.Queue(openOneSQL, workspace, m.target, number, first.Mailbox, first.Subject, first.Name, first.Email, first.At)
	queueMove(b, workspace, m)
	b.Queue(apartSQL, workspace, []uuid.UUID{m.source})
	for _, l := range list {
		l.queueRefs(b, workspace, m)
	}
	return m, number, nil
}

// queueRefs has what answers the message find it where it is now.
func (l leaving) queueRefs(b *pgx.Batch, workspace uuid.UUID, m move) {
	var keys [][]byte
	if l.Ref != nil {
		b.Queue(leftSQL, workspace, l.Mailbox, l.Ref, m.source)
		keys = append(keys, l.Ref)
	}
	a := Arrival{Automatic: l.Machine}
	if topic := ReadSubject(l.Subject); topic.Text != "" && !a.machine() {
		people := []string{""}
		if !l.Ours { // we all write on tickets of ours
			people = append(people, l.Email)
		}
		for _, email := range append(people, l.Others[:min(len(l.Others), maxSubjectPeople)]...) {
			r := subjectRef(topic.Text, email)
			keys = append(keys, r[:])
		}
	}
	n := len(keys)
	boxes, owners, received := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]bool, n)
	for i := range keys {
		boxes[i], owners[i], received[i] = l.Mailbox, m.target, i == 0 && l.Ref != nil
	}
	b.Queue(refSQL, workspace, boxes, keys, owners, received)
}
