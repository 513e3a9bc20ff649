package auth

import (
	"context"

	"github.com/google/uuid"
)

// Admin is the actor that may do everything in every workspace.
const Admin = "admin"

// Who is a principal: somebody who has proved who they are.
type Who struct {
	Actor string // as it stands in the audit record: "admin", later "agent:<id>"
}

// An Action is a kind of thing that one may or may not do.
type Action string

// The actions. In a workspace unless they say otherwise.
const (
	Read    Action = "read"    // see mail, tickets, the ledger
	Judge   Action = "judge"   // say what is spam
	Submit  Action = "submit"  // hand in mail
	Manage  Action = "manage"  // mailboxes and settings; retry what failed
	Operate Action = "operate" // the installation: workspaces, stages; without a workspace
)

// May returns nil when who may do this in that workspace (the zero UUID for the
// installation as a whole), else ErrForbidden. Every face asks it before it acts.
func (w Who) May(_ Action, _ uuid.UUID) error {
	if w.Actor == Admin {
		return nil
	}
	return ErrForbidden
}

type (
	whoKey   struct{}
	trackKey struct{}
)

// Track returns a context whose tracked function tells, later, who turned out to
// be asking: the log is written outside of where that is known.
func Track(ctx context.Context) (tracking context.Context, tracked func() Who) {
	who := new(Who)
	return context.WithValue(ctx, trackKey{}, who), func() Who { return *who }
}

// With returns a context that carries who is asking.
func With(ctx context.Context, w Who) context.Context {
	if who, ok := ctx.Value(trackKey{}).(*Who); ok {
		*who = w
	}
	return context.WithValue(ctx, whoKey{}, w)
}

// From returns who is asking, the zero Who when nobody is known: it may do nothing.
func From(ctx context.Context) Who {
	w, _ := ctx.Value(whoKey{}).(Who)
	return w
}
