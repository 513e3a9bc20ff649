package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What becomes of a request whose Idempotency-Key is known.
var (
	ErrKeyReused = errors.New("the idempotency key was used for another request")
	ErrKeyInUse  = errors.New("a request with this idempotency key is being worked on")
)

const (
	keepAnswers = 25 * time.Hour // promised: a day
	// workWithin is how long an attempt may hold a key: far longer than any request
	// may run, so that only what a crash left behind is taken over.
	workWithin = 15 * time.Minute
)

// A Question is a request that is to be done once.
type Question struct {
	Workspace uuid.UUID // zero: of the installation
	Actor     string
	Key       string   // the Idempotency-Key
	Request   [32]byte // SHA-256 of all that makes it this request
}

// An Answer is what a request was answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// A Turn is the right to do a request, held by one attempt.
type Turn struct {
	a      *Auth
	q      Question
	holder uuid.UUID
}

const (
	pruneAnswersSQL = `
		with old as materialized (
			select actor, key from kept_answer
			where workspace_id = $1 and at < now() - $2::interval and key <> $3
			order by at limit 100 for update skip locked)
		delete from kept_answer k using old where k.workspace_id = $1 and k.actor = old.actor and k.key = old.key`
	takeTurnSQL = `
		insert into kept_answer as k (workspace_id, actor, key, request, holder) values ($1, $2, $3, $4, $5)
		on conflict (workspace_id, actor, key) do update
			set request = excluded.request, holder = excluded.holder, status = null, header = null, body = null, at = now()
			where k.at < now() - $6::interval
				or k.status is null and k.request = excluded.request and k.at < now() - $7::interval
		returning true`
	answerSQL = `
		select request, status, header, body from kept_answer where workspace_id = $1 and actor = $2 and key = $3`
)

// Ask returns the turn to do the request, or the answer that it was given before.
// The error is ErrKeyReused when the key belongs to another request, ErrKeyInUse
// while the same one is being worked on.
func (a *Auth) Ask(ctx context.Context, q Question) (*Turn, *Answer, error) {
	t := &Turn{a, q, uuid.Must(uuid.NewV7())}
	var known *Answer
	err := a.db.InWorkspace(ctx, q.Workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pruneAnswersSQL, q.Workspace, keepAnswers, q.Key); err != nil {
			return err
		}
		var ours bool
		err := tx.QueryRow(ctx, takeTurnSQL, q.Workspace, q.Actor, q.Key, q.Request[:], t.holder, keepAnswers, workWithin).Scan(&ours)
		if errors.Is(err, pgx.ErrNoRows) {
			known, err = readAnswer(ctx, tx, q)
		}
		return err
	})
	switch {
	case errors.Is(err, ErrKeyReused), errors.Is(err, ErrKeyInUse):
		return nil, nil, err
	case err != nil:
		return nil, nil, fmt.Errorf("idempotency key: %w", err)
	case known != nil:
		return nil, known, nil
	}
	return t, nil, nil
}

func readAnswer(ctx context.Context, tx pgx.Tx, q Question) (*Answer, error) {
	var request []byte
	var status *int
	var an Answer
	err := tx.QueryRow(ctx, answerSQL, q.Workspace, q.Actor, q.Key).Scan(&request, &status, &an.Header, &an.Body)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, ErrKeyInUse // it was let go this very moment
	case err != nil:
		return nil, err
	case [32]byte(request) != q.Request:
		return nil, ErrKeyReused
	case status == nil:
		return nil, ErrKeyInUse
	}
	an.Status = *status
	return &an, nil
}

const (
	keepSQL = `
		update kept_answer set status = $5, header = $6, body = $7, at = now()
		where workspace_id = $1 and actor = $2 and key = $3 and holder = $4`
	letGoSQL = `
		delete from kept_answer where workspace_id = $1 and actor = $2 and key = $3 and holder = $4 and status is null`
)

// Keep stores the answer for whoever sends the same request again.
func (t *Turn) Keep(ctx context.Context, an Answer) error {
	if an.Body == nil {
		an.Body = []byte{}
	}
	return t.exec(ctx, keepSQL, an.Status, an.Header, an.Body)
}

// LetGo forgets the request: it failed in a way that another attempt may not.
func (t *Turn) LetGo(ctx context.Context) error { return t.exec(ctx, letGoSQL) }

func (t *Turn) exec(ctx context.Context, sql string, args ...any) error {
	err := t.a.db.InWorkspace(ctx, t.q.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, append([]any{t.q.Workspace, t.q.Actor, t.q.Key, t.holder}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	return nil
}
