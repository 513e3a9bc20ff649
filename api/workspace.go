package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"postroom/api/auth"
	"postroom/tickets"
)

// A Workspace is one company.
type Workspace struct {
	ID        string    `json:"id" doc:"Opaque."`
	Name      string    `json:"name" example:"Lumen Lamps"`
	CreatedAt time.Time `json:"created_at"`
}

func showWorkspace(w tickets.Workspace) Workspace {
	return Workspace{w.ID.String(), w.Name, w.CreatedAt.UTC()}
}

type createWorkspaceIn struct {
	Body struct {
		Name string `json:"name" maxLength:"200" doc:"For people; need not be unique." example:"Lumen Lamps"`
	}
}

// created is the answer to a POST that made something.
type created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

func (s *server) addWorkspaces() {
	tags := []string{"workspaces"}
	add(s, auth.Operate, huma.Operation{
		OperationID: "list-workspaces", Method: http.MethodGet, Path: "/workspaces", Tags: tags,
		Summary: "List workspaces", Description: "Oldest first.",
	}, s.listWorkspaces)
	add(s, auth.Operate, huma.Operation{
		OperationID: "create-workspace", Method: http.MethodPost, Path: "/workspaces", Tags: tags,
		Summary: "Create a workspace", DefaultStatus: http.StatusCreated,
	}, s.createWorkspace)
	addIn(s, auth.Read, huma.Operation{
		OperationID: "get-workspace", Method: http.MethodGet, Tags: tags, Summary: "Read a workspace",
	}, s.getWorkspace)
}

func (s *server) listWorkspaces(ctx context.Context, in *PageIn) (*pageOut[Workspace], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	id := func(w tickets.Workspace) uuid.UUID { return w.ID }
	list = behind(list, after, id)
	return pageOf(ctx, in.Size, list, showWorkspace, func(w tickets.Workspace) string { return w.ID.String() }), nil
}

func (s *server) createWorkspace(ctx context.Context, in *createWorkspaceIn) (*created[Workspace], error) {
	w, err := s.desk.CreateWorkspace(ctx, auth.From(ctx).Actor, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &created[Workspace]{prefix + "/workspaces/" + w.ID.String(), showWorkspace(w)}, nil
}

func (s *server) getWorkspace(ctx context.Context, workspace uuid.UUID, in *Matched) (*single[Workspace], error) {
	w, err := s.desk.Workspace(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return one(*in, showWorkspace(w))
}
