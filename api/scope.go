package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/tickets"
)

type workspaceKey struct{}

// workspaceOf returns the workspace that scope has let the caller into.
func workspaceOf(ctx context.Context) uuid.UUID {
	id, _ := ctx.Value(workspaceKey{}).(uuid.UUID)
	return id
}

// scope stands before every operation. It lets nobody unknown pass, finds the
// workspace that the path names, and asks whether the caller may do this there. A
// workspace that does not exist and one that is not theirs look the same.
func (s *server) scope(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if err := refusalOf(r.Context()); err != nil {
		writeProblem(w, r, err)
		return
	}
	var workspace uuid.UUID
	if named := ctx.Param("workspace"); named != "" {
		var err error
		if workspace, err = s.find(r.Context(), named); err != nil {
			writeProblem(w, r, err)
			return
		}
	}
	if err := auth.From(r.Context()).May(actionOf(ctx.Operation()), workspace); err != nil {
		if workspace != uuid.Nil {
			err = tickets.ErrNotFound
		}
		writeProblem(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), workspaceKey{}, workspace))
	next(humago.NewContext(ctx.Operation(), r, w))
}

// find returns the workspace that a path names, if there is one.
func (s *server) find(ctx context.Context, named string) (uuid.UUID, error) {
	id, err := parseID(named)
	if err != nil {
		return uuid.Nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, workWithin)
	defer cancel()
	_, err = s.desk.Workspace(ctx, id)
	return id, err
}

// parseID reads an id from a path. Ids are opaque to callers, so what is none of
// ours is not found rather than malformed.
func parseID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.Nil, tickets.ErrNotFound
	}
	return id, nil
}
