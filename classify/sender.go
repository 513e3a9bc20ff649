package classify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A SenderRule makes a sender's mail ham or spam whatever its words say.
type SenderRule struct {
	Pattern   string     // an address, or a domain, which stands for those below it too; lower case
	Verdict   Verdict    // Ham or Spam
	Actor     string     // who made it
	CreatedAt time.Time  // when
	ExpiresAt *time.Time // nil: until it is taken off
}

// ErrSenderRule is returned for a rule whose pattern is neither an address nor a domain, or whose verdict is not ham or spam.
var ErrSenderRule = errors.New("not a rule for a sender")

// maxSenderRules is how many rules one workspace may have; all are in memory.
const maxSenderRules = 10000

// SetSender makes or replaces a rule in the caller's transaction; models follow after the commit.
func (f *Filter) SetSender(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, r SenderRule) error {
	r.Pattern = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(r.Pattern, "@")))
	if r.Verdict != Ham && r.Verdict != Spam || !strings.Contains(domainOf(r.Pattern), ".") || strings.ContainsAny(r.Pattern, " <>,\t\n") || len(r.Pattern) > 320 {
		return fmt.Errorf("%w: %q as %q; give an address or a domain, and ham or spam", ErrSenderRule, r.Pattern, r.Verdict)
	}
	const set = `
insert into classify_sender (workspace_id, pattern, verdict, actor, expires_at)
select $1, $2, $3, $4, $5 where (select count(*) from classify_sender where workspace_id = $1) < $6
on conflict (workspace_id, pattern) do update set verdict = $3, actor = $4, expires_at = $5, created_at = now()`
	tag, err := tx.Exec(ctx, set, workspace, r.Pattern, r.Verdict, r.Actor, r.ExpiresAt, maxSenderRules)
	if err != nil {
		return fmt.Errorf("rule for %s: %w", r.Pattern, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: there are %d rules already, the most a workspace may have", ErrSenderRule, maxSenderRules)
	}
	return tell(ctx, tx, workspace)
}

// RemoveSender takes a rule off; one that does not exist is no error.
func (f *Filter) RemoveSender(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, pattern string) error {
	if _, err := tx.Exec(ctx, `delete from classify_sender where workspace_id = $1 and pattern = $2`, workspace, strings.ToLower(pattern)); err != nil {
		return fmt.Errorf("rule for %s: %w", pattern, err)
	}
	return tell(ctx, tx, workspace)
}

// Senders lists the workspace's rules by pattern, those that have expired too.
func (f *Filter) Senders(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) ([]SenderRule, error) {
	const list = `select pattern, verdict, actor, created_at, expires_at from classify_sender where workspace_id = $1 order by pattern`
	rows, err := tx.Query(ctx, list, workspace)
	if err != nil {
		return nil, fmt.Errorf("rules for senders: %w", err)
	}
	rules, err := pgx.CollectRows(rows, pgx.RowToStructByName[SenderRule])
	if err != nil {
		return nil, fmt.Errorf("rules for senders: %w", err)
	}
	return rules, nil
}

// tell notifies all processes that the workspace's filter has changed.
func tell(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) error {
	_, err := tx.Exec(ctx, `select pg_notify('`+channel+`', $1::uuid::text)`, workspace)
	return err
}

// senderRules are a workspace's rules by pattern.
type senderRules map[string]SenderRule

// find returns the rule for any of senders that holds at now: the most exact, and of several a block before an allowance.
func (rules senderRules) find(senders []string, now time.Time) (found SenderRule, ok bool) {
	if len(rules) == 0 {
		return found, false
	}
	for _, sender := range senders[:min(len(senders), maxAddresses)] {
		for _, pattern := range patternsOf(strings.ToLower(clip(sender, 320))) {
			r, is := rules[pattern]
			if !is || r.ExpiresAt != nil && !now.Before(*r.ExpiresAt) {
				continue
			}
			if !ok || r.Verdict == Spam {
				found, ok = r, true
			}
			break
		}
	}
	return found, ok
}

// patternsOf are the address, its domain, and the domains above it, most exact first.
func patternsOf(address string) []string {
	host := domainOf(address)
	list := slices.Grow([]string{address}, 4)
	for labels := 0; strings.Contains(host, ".") && labels < 8; labels++ {
		list = append(list, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return list
}

// apply gives a rule the last word on s. Who may be somebody else is not let in by an allowance.
func (r SenderRule) apply(s *Score, contradicted bool) {
	until := ""
	if r.ExpiresAt != nil {
		until = " until " + r.ExpiresAt.UTC().Format(time.DateOnly)
	}
	list := "allow"
	if r.Verdict == Spam {
		list = "block"
	} else if contradicted {
		s.Reason += fmt.Sprintf("; %s is on the allow list, but authentication contradicts the sender", r.Pattern)
		return
	}
	s.Reason = fmt.Sprintf("%s: %s is on the %s list%s (by %s); by its words %s", r.Verdict, r.Pattern, list, until, r.Actor, s.Reason)
	s.Verdict, s.Rule = r.Verdict, r.Pattern
}
