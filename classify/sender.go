package classify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
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

// SetSender makes or replaces a rule in the caller's transaction and returns it as it is kept; models follow after the commit.
func (f *Filter) SetSender(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, r SenderRule) (SenderRule, error) {
	r.Pattern = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(r.Pattern, "@")))
	if r.Verdict != Ham && r.Verdict != Spam || !patternFits(r.Pattern) {
		return r, fmt.Errorf("%w: %q as %q; give an address or a domain, and ham or spam", ErrSenderRule, r.Pattern, r.Verdict)
	}
	const set = `
insert into classify_sender (workspace_id, pattern, verdict, actor, expires_at)
select $1, $2, $3, $4, $5 where (select count(*) from classify_sender where workspace_id = $1 and pattern <> $2) < $6
on conflict (workspace_id, pattern) do update set verdict = $3, actor = $4, expires_at = $5, created_at = now()
returning created_at`
	err := tx.QueryRow(ctx, set, workspace, r.Pattern, r.Verdict, r.Actor, r.ExpiresAt, maxSenderRules).Scan(&r.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("%w: there are %d rules already, the most a workspace may have", ErrSenderRule, maxSenderRules)
	}
	if postgres.Violates(err, "classify_sender_pattern_check") { // letters that have a small form only here
		return r, fmt.Errorf("%w: %q cannot be written in small letters", ErrSenderRule, r.Pattern)
	}
	if err != nil {
		return r, fmt.Errorf("rule for %s: %w", r.Pattern, err)
	}
	return r, tell(ctx, tx, workspace)
}

// patternFits reports whether a rule may have this pattern: an address or a domain of two labels or more.
func patternFits(pattern string) bool {
	odd := func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == utf8.RuneError || strings.ContainsRune("<>,", r)
	}
	return len(pattern) <= 320 && strings.Contains(strings.Trim(domainOf(pattern), "."), ".") && !strings.ContainsFunc(pattern, odd)
}

// RemoveSender takes a rule off and reports whether there was one.
func (f *Filter) RemoveSender(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, pattern string) (removed bool, err error) {
	tag, err := tx.Exec(ctx, `delete from classify_sender where workspace_id = $1 and pattern = $2`, workspace, strings.ToLower(pattern))
	if err != nil {
		return false, fmt.Errorf("rule for %s: %w", pattern, err)
	}
	return tag.RowsAffected() > 0, tell(ctx, tx, workspace)
}

// A SenderQuery asks for a page of a workspace's rules.
type SenderQuery struct {
	Verdict Verdict // Ham for allowances, Spam for blocks; "" for both
	After   string  // the last pattern of the page before
	Limit   int
}

// Senders lists the workspace's rules by pattern, those that have expired too.
func (f *Filter) Senders(ctx context.Context, tx pgx.Tx, workspace uuid.UUID, q SenderQuery) ([]SenderRule, error) {
	const list = `
select pattern, verdict, actor, created_at, expires_at from classify_sender
where workspace_id = $1 and ($2 = '' or verdict = $2) and pattern > $3 order by pattern limit $4`
	rows, err := tx.Query(ctx, list, workspace, q.Verdict, q.After, q.Limit)
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

// readRules reads all rules of a workspace.
func (f *Filter) readRules(ctx context.Context, tx pgx.Tx, workspace uuid.UUID) (senderRules, error) {
	list, err := f.Senders(ctx, tx, workspace, SenderQuery{Limit: maxSenderRules})
	rules := make(senderRules, len(list))
	for _, r := range list {
		rules[r.Pattern] = r
	}
	return rules, err
}

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
func (r SenderRule) apply(s *Score) {
	until := ""
	if r.ExpiresAt != nil {
		until = " until " + r.ExpiresAt.UTC().Format(time.DateOnly)
	}
	list := "allow"
	if r.Verdict == Spam {
		list = "block"
	} else if s.contradicted {
		s.Reason += fmt.Sprintf("; %s is on the allow list, but authentication contradicts the sender", r.Pattern)
		return
	}
	s.Reason = fmt.Sprintf("%s: %s is on the %s list%s (by %s); by its words %s", r.Verdict, r.Pattern, list, until, r.Actor, s.Reason)
	s.Verdict, s.Rule = r.Verdict, r.Pattern
}
