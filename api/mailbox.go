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

// A Mailbox is an address at which a workspace receives mail.
type Mailbox struct {
	ID        string    `json:"id" doc:"Opaque."`
	Address   string    `json:"address" doc:"Lower case." example:"support@lumen.example"`
	Name      string    `json:"name" example:"Support"`
	CreatedAt time.Time `json:"created_at"`
}

func showMailbox(m tickets.Mailbox) Mailbox {
	return Mailbox{m.ID.String(), m.Address, m.Name, m.CreatedAt.UTC()}
}

type createMailboxIn struct {
	Body struct {
		Address string `json:"address" doc:"No other mailbox of the installation may have it." example:"support@lumen.example"`
		Name    string `json:"name,omitempty" maxLength:"200" doc:"For people; the address when left out." example:"Support"`
	}
}

func (s *server) addMailboxes() {
	tags := []string{"mailboxes"}
	addIn(s, auth.Read, huma.Operation{
		OperationID: "list-mailboxes", Method: http.MethodGet, Path: "/mailboxes", Tags: tags,
		Summary: "List mailboxes", Description: "Oldest first.",
	}, s.listMailboxes)
	addIn(s, auth.Manage, huma.Operation{
		OperationID: "create-mailbox", Method: http.MethodPost, Path: "/mailboxes", Tags: tags,
		Summary: "Create a mailbox", Description: "It receives mail at once.", DefaultStatus: http.StatusCreated,
	}, s.createMailbox)
}

func (s *server) listMailboxes(ctx context.Context, workspace uuid.UUID, in *PageIn) (*pageOut[Mailbox], error) {
	after, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := s.desk.Mailboxes(ctx, workspace)
	if err != nil {
		return nil, err
	}
	list = behind(list, after, func(m tickets.Mailbox) uuid.UUID { return m.ID })
	return pageOf(ctx, in.Size, list, showMailbox, func(m tickets.Mailbox) string { return m.ID.String() }), nil
}

func (s *server) createMailbox(ctx context.Context, workspace uuid.UUID, in *createMailboxIn) (*changed[Mailbox], error) {
	m, err := s.desk.CreateMailbox(ctx, workspace, auth.From(ctx).Actor, in.Body.Address, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &changed[Mailbox]{showMailbox(m)}, nil
}

// mailbox returns a mailbox of the workspace, or tickets.ErrNotFound.
func (s *server) mailbox(ctx context.Context, workspace uuid.UUID, named string) (tickets.Mailbox, error) {
	id, err := parseID(named)
	if err != nil {
		return tickets.Mailbox{}, err
	}
	list, err := s.desk.Mailboxes(ctx, workspace)
	if err != nil {
		return tickets.Mailbox{}, err
	}
	for _, m := range list {
		if m.ID == id {
			return m, nil
		}
	}
	return tickets.Mailbox{}, tickets.ErrNotFound
}
