package imappoll

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
)

// A Late is a mailbox that has not been polled well for two intervals.
type Late struct {
	Workspace uuid.UUID  `db:"workspace_id"`
	Mailbox   uuid.UUID  `db:"mailbox_id"`
	Address   string     `db:"address"`
	State     State      `db:"state"`
	PolledAt  *time.Time `db:"polled_at"`
	Reason    string     `db:"reason"`
	Failures  int        `db:"failures"`
	Held      bool       `db:"held"`
}

const lateSQL = `select workspace_id, mailbox_id, address, state, polled_at, reason, failures, held from poll_late($1)`

// watchLate raises an alert for every mailbox that is late, of whichever process.
func (p *Poller) watchLate(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	list, err := p.findLate(ctx)
	p.metrics.looks(err == nil)
	if err != nil {
		slog.WarnContext(ctx, "late mailboxes could not be looked for", "err", err)
		return
	}
	p.mu.Lock()
	p.late = list
	p.mu.Unlock()
	for _, l := range list {
		if l.State == Refused {
			continue // it has an alert of its own, with the cause
		}
		what := "It has not been polled yet"
		if l.PolledAt != nil {
			what = "It was polled last at " + l.PolledAt.UTC().Format("2006-01-02 15:04 MST")
		}
		if l.Reason != "" {
			what += "; the last attempt ended so: " + l.Reason
		}
		a := &Account{Workspace: l.Workspace, Mailbox: l.Mailbox}
		err := p.raise(ctx, a, alert.Late, fmt.Sprintf("Mail of %s is not coming in. %s.", l.Address, what), lateAdvice(l))
		if err != nil {
			slog.WarnContext(ctx, "an alert could not be written", "mailbox", l.Mailbox, "err", err)
		}
	}
}

func lateAdvice(l Late) string {
	if !l.Held {
		return "No process polls it: is one running with the part poll?"
	}
	return "Is its mail server up and reachable? It is tried again by itself; nothing is lost meanwhile."
}

func (p *Poller) findLate(ctx context.Context) ([]Late, error) {
	rows, err := p.db.Query(ctx, lateSQL, p.limits.LateSlack)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Late])
}

// Ready says in one line, for /readyz, which mailboxes are late for a reason that
// is not their own login; "" when none is.
func (p *Poller) Ready() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, first := 0, ""
	for _, l := range p.late {
		if l.State == Refused {
			continue
		}
		if n++; first == "" {
			first = l.Mailbox.String()
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d mailboxes have not been polled for two intervals, the first is %s", n, first)
}
