package tickets

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
	"postroom/tickets/audit"
)

// Limits of what people may name.
const (
	MaxName    = 200 // characters of a workspace's or a mailbox's name
	MaxAddress = 254 // octets of an address, RFC 5321 §4.5.3.1.3
)

// A Workspace is one company: its mailboxes, tickets, people, keys and filter are
// apart from every other's.
type Workspace struct {
	ID        uuid.UUID `db:"workspace_id"`
	Name      string    `db:"name"`
	CreatedAt time.Time `db:"created_at"`
}

// A Mailbox is an address at which a workspace receives mail.
type Mailbox struct {
	ID        uuid.UUID `db:"id"`
	Address   string    `db:"address"` // lower case
	Name      string    `db:"name"`
	CreatedAt time.Time `db:"created_at"`
}

// MailboxesChanged is the channel that tells of new mailboxes.
const MailboxesChanged = "postroom_mailbox"

const (
	insertWorkspaceSQL = `
		insert into workspace (workspace_id, name) values ($1, $2) returning workspace_id, name, created_at`
	foundCounterSQL = `insert into ticket_counter (workspace_id, last) values ($1, 0)`
)

// CreateWorkspace makes an empty workspace.
func (d *Desk) CreateWorkspace(ctx context.Context, actor, name string) (Workspace, error) {
	name, err := checkName(name)
	if err != nil {
		return Workspace{}, err
	}
	var w Workspace
	id := uuid.Must(uuid.NewV7())
	err = d.db.InWorkspace(ctx, id, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, insertWorkspaceSQL, id, name)
		if err != nil {
			return err
		}
		if w, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Workspace]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foundCounterSQL, id); err != nil {
			return err
		}
		if err := audit.Found(ctx, tx, id); err != nil {
			return err
		}
		return audit.Write(ctx, tx, id, audit.Entry{
			Actor: actor, Action: "workspace.create", Target: "workspace:" + id.String(), Detail: map[string]any{"name": name},
		})
	})
	if err != nil {
		return Workspace{}, fmt.Errorf("create workspace %q: %w", name, err)
	}
	return w, nil
}

const workspacesSQL = `select workspace_id, name, created_at from workspaces()`

// Workspaces lists all workspaces of the installation, oldest first.
func (d *Desk) Workspaces(ctx context.Context) ([]Workspace, error) {
	rows, err := d.db.Query(ctx, workspacesSQL)
	if err != nil {
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Workspace])
}

const workspaceSQL = `select workspace_id, name, created_at from workspace where workspace_id = $1`

// Workspace returns one workspace, or ErrNotFound.
func (d *Desk) Workspace(ctx context.Context, id uuid.UUID) (Workspace, error) {
	w, err := one[Workspace](ctx, d, id, workspaceSQL, id)
	if err != nil {
		return Workspace{}, fmt.Errorf("workspace %s: %w", id, err)
	}
	return w, nil
}

const insertMailboxSQL = `
	insert into mailbox (workspace_id, id, address, name) values ($1, $2, $3, $4)
	returning id, address, name, created_at`

// CreateMailbox makes a mailbox that receives for address from now on. An address
// that is taken, by whichever workspace, is ErrConflict.
func (d *Desk) CreateMailbox(ctx context.Context, workspace uuid.UUID, actor, address, name string) (Mailbox, error) {
	address, err := NormaliseAddress(address)
	if err != nil {
		return Mailbox{}, err
	}
	if name == "" {
		name = address
	}
	if name, err = checkName(name); err != nil {
		return Mailbox{}, err
	}
	var m Mailbox
	err = d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		id := uuid.Must(uuid.NewV7())
		rows, err := tx.Query(ctx, insertMailboxSQL, workspace, id, address, name)
		if err != nil {
			return err
		}
		if m, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Mailbox]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select pg_notify($1, $2)", MailboxesChanged, address); err != nil {
			return err
		}
		return audit.Write(ctx, tx, workspace, audit.Entry{
			Actor: actor, Action: "mailbox.create", Target: "mailbox:" + id.String(), Detail: map[string]any{"address": address},
		})
	})
	switch {
	case postgres.Violates(err, "mailbox_address_key"):
		err = &ConflictError{"The address is a mailbox's already. Use that one, or choose another address."}
	case postgres.Violates(err, "mailbox_workspace_id_fkey"):
		err = ErrNotFound
	}
	if err != nil {
		return Mailbox{}, fmt.Errorf("create mailbox %s: %w", address, err)
	}
	return m, nil
}

const mailboxesSQL = `
	select id, address, name, created_at from mailbox where workspace_id = $1 order by id`

// Mailboxes lists the mailboxes of a workspace, oldest first.
func (d *Desk) Mailboxes(ctx context.Context, workspace uuid.UUID) ([]Mailbox, error) {
	var list []Mailbox
	err := d.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, mailboxesSQL, workspace)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Mailbox])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list mailboxes: %w", err)
	}
	return list, nil
}

// NormaliseAddress brings an address to the form in which mailboxes are kept and
// looked up: lower case throughout, as every large mail system treats both
// halves. The error is an *InvalidError.
func NormaliseAddress(address string) (string, error) {
	address = strings.ToLower(strings.TrimSpace(address))
	local, domain, ok := strings.Cut(address, "@")
	switch {
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return "", &InvalidError{"address", fmt.Sprintf("%q is not of the form name@domain", address)}
	case len(address) > MaxAddress:
		return "", &InvalidError{"address", fmt.Sprintf("it has %d octets; %d is the most that mail allows", len(address), MaxAddress)}
	case !utf8.ValidString(address) || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>,;:\"`, r) }):
		return "", &InvalidError{"address", fmt.Sprintf("%q holds a character that an address cannot have", address)}
	}
	return address, nil
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", &InvalidError{"name", "it is empty"}
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", &InvalidError{"name", "it holds a control character or is not UTF-8"}
	case utf8.RuneCountInString(name) > MaxName:
		return "", &InvalidError{"name", fmt.Sprintf("it has more than %d characters", MaxName)}
	}
	return name, nil
}
