package imappoll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/tickets"
	"postroom/tickets/audit"
)

// accounts keeps how mailboxes are polled. Passwords are sealed.
type accounts struct {
	db    *postgres.DB
	vault *vault.Vault
}

// changed is the channel that tells pollers of new settings.
const changed = "postroom_imap"

func secretRow(mailbox uuid.UUID) []byte { return []byte("imap_account:" + mailbox.String()) }

func target(mailbox uuid.UUID) string { return "mailbox:" + mailbox.String() }

const (
	accountSQL = `
		select m.address, a.host, a.port, a.security, a.auth, a.username, a.secret, a.since, a.mark_seen, a.after, a.move_to,
			a.grace, a.poll_every, a.enabled, a.version, a.fence, a.state, a.state_at, a.polled_at, a.backlog, a.taken, a.failures, a.reason,
			exists (select from poll_process p where p.id = a.holder and p.until > now()) as held
		from imap_account a join mailbox m on m.workspace_id = $1 and m.id = a.mailbox_id
		where a.workspace_id = $1 and a.mailbox_id = $2`
	foldersSQL = `
		select id, name, role, learn, validity, epoch, adopting, last_uid, modseq, witnesses, checked_at, on_server, in_ledger
		from imap_folder where workspace_id = $1 and mailbox_id = $2 order by role <> 'inbox', name <> 'INBOX', name`
)

// read returns a mailbox's account with its password; tickets.ErrNotFound when it
// is not polled.
func (s *accounts) read(ctx context.Context, workspace, mailbox uuid.UUID) (*Account, error) {
	a := &Account{Workspace: workspace, Mailbox: mailbox}
	var sealed []byte
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, accountSQL, workspace, mailbox).Scan(&a.Address, &a.Host, &a.Port, &a.Security, &a.Auth, &a.Username, &sealed,
			&a.Since, &a.MarkSeen, &a.After, &a.MoveTo, &a.Grace, &a.PollEvery, &a.Enabled, &a.version, &a.fence,
			&a.State, &a.StateAt, &a.PolledAt, &a.Backlog, &a.Taken, &a.Status.Failures, &a.Reason, &a.Held)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, foldersSQL, workspace, mailbox)
		if err != nil {
			return err
		}
		a.Folders, err = pgx.CollectRows(rows, pgx.RowToStructByName[Folder])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = tickets.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("polling of mailbox %s: %w", mailbox, err)
	}
	for _, f := range a.Folders {
		a.Settings.Folders = append(a.Settings.Folders, FolderSetting{f.Name, f.Role, f.Learn})
	}
	if sealed != nil {
		box, err := s.vault.Box(ctx, workspace)
		if err != nil {
			return nil, err
		}
		plain, err := box.Open(sealed, secretRow(mailbox))
		if err != nil {
			return nil, fmt.Errorf("password of mailbox %s: %w", mailbox, err)
		}
		a.password = string(plain)
	}
	return a, nil
}

const (
	putAccountSQL = `
		insert into imap_account as a (workspace_id, mailbox_id, host, port, security, auth, username, secret, since,
			mark_seen, after, move_to, grace, poll_every, enabled)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		on conflict (workspace_id, mailbox_id) do update set host = excluded.host, port = excluded.port, security = excluded.security,
			auth = excluded.auth, username = excluded.username,
			secret = case when excluded.auth = 'password' then coalesce(excluded.secret, a.secret) end,
			since = excluded.since, mark_seen = excluded.mark_seen, after = excluded.after, move_to = excluded.move_to,
			grace = excluded.grace, poll_every = excluded.poll_every, enabled = excluded.enabled, version = a.version + 1,
			state = 'new', state_at = now(), failures = 0, reason = ''`
	putFolderSQL = `
		insert into imap_folder (workspace_id, id, mailbox_id, name, role, learn) values ($1, $2, $3, $4, $5, $6)
		on conflict (mailbox_id, name, workspace_id) do update set role = excluded.role, learn = excluded.learn`
	dropFoldersSQL = `delete from imap_folder where workspace_id = $1 and mailbox_id = $2 and name <> all ($3)`
)

// put stores settings. Folders that stay keep their cursors. Server, password and
// consent may change under them: what is there is recognised.
func (s *accounts) put(ctx context.Context, actor string, workspace, mailbox uuid.UUID, set Settings) error {
	if err := set.check(); err != nil {
		return err
	}
	var sealed []byte
	if set.Password != "" {
		box, err := s.vault.Box(ctx, workspace)
		if err != nil {
			return err
		}
		if sealed, err = box.Seal([]byte(set.Password), secretRow(mailbox)); err != nil {
			return err
		}
	}
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, putAccountSQL, workspace, mailbox, set.Host, set.Port, set.Security, set.Auth, set.Username, sealed,
			set.Since, set.MarkSeen, set.After, set.MoveTo, set.Grace, set.PollEvery, set.Enabled); err != nil {
			return err
		}
		var names []string
		for _, f := range set.Folders {
			names = append(names, f.Name)
			if _, err := tx.Exec(ctx, putFolderSQL, workspace, uuid.Must(uuid.NewV7()), mailbox, f.Name, f.Role, f.Learn); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, dropFoldersSQL, workspace, mailbox, names); err != nil {
			return err
		}
		return s.noteChange(ctx, tx, actor, "mailbox.poll", workspace, mailbox, map[string]any{
			"host": set.Host, "username": set.Username, "auth": set.Auth, "folders": names, "after": set.After, "enabled": set.Enabled,
		})
	})
	switch {
	case postgres.Violates(err, "imap_account_workspace_id_mailbox_id_fkey"):
		err = tickets.ErrNotFound
	case postgres.Violates(err, "imap_account_check1"):
		err = &tickets.InvalidError{Field: "password", Reason: "it is needed to log in"}
	}
	if err != nil {
		return fmt.Errorf("polling of mailbox %s: %w", mailbox, err)
	}
	return nil
}

const dropAccountSQL = `delete from imap_account where workspace_id = $1 and mailbox_id = $2`

// drop ends the polling of a mailbox and erases its password and cursors. Its mail
// stays, and so does the ledger of UIDs.
func (s *accounts) drop(ctx context.Context, actor string, workspace, mailbox uuid.UUID) error {
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, dropAccountSQL, workspace, mailbox)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return tickets.ErrNotFound
		}
		// The audit's chain is locked before alerts are, as everywhere.
		if err := s.noteChange(ctx, tx, actor, "mailbox.unpoll", workspace, mailbox, nil); err != nil {
			return err
		}
		return alert.Resolve(ctx, tx, workspace, target(mailbox), alert.Late, alert.Refused, alert.Parked, alert.Folder, alert.Differs, alert.Deletes)
	})
	if err != nil {
		return fmt.Errorf("polling of mailbox %s: %w", mailbox, err)
	}
	return nil
}

func (s *accounts) noteChange(ctx context.Context, tx pgx.Tx, actor, action string, workspace, mailbox uuid.UUID, detail any) error {
	if _, err := tx.Exec(ctx, "select pg_notify($1, '')", changed); err != nil {
		return err
	}
	return audit.Write(ctx, tx, workspace, audit.Entry{Actor: actor, Action: action, Target: target(mailbox), Detail: detail})
}

// raise and resolve keep a mailbox's alerts; what cannot be written is not worth
// failing a poll for, so callers log the error.
func (s *accounts) raise(ctx context.Context, a *Account, kind alert.Kind, what, advice string) error {
	return s.db.InWorkspace(ctx, a.Workspace, func(tx pgx.Tx) error {
		return alert.Raise(ctx, tx, a.Workspace, alert.Alert{Kind: kind, Target: target(a.Mailbox), What: what, Advice: advice})
	})
}

func (s *accounts) resolve(ctx context.Context, workspace, mailbox uuid.UUID, kinds ...alert.Kind) error {
	return s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return alert.Resolve(ctx, tx, workspace, target(mailbox), kinds...)
	})
}

const listAccountsSQL = `select mailbox_id from imap_account where workspace_id = $1 order by mailbox_id`

// list returns the accounts of a workspace.
func (s *accounts) list(ctx context.Context, workspace uuid.UUID) ([]*Account, error) {
	var ids []uuid.UUID
	err := s.db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, listAccountsSQL, workspace)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list polled mailboxes: %w", err)
	}
	var list []*Account
	for _, id := range ids {
		a, err := s.read(ctx, workspace, id)
		if errors.Is(err, tickets.ErrNotFound) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// since is the cut-off of what lies in a folder at first. Clocks differ, and a
// mail too many is better than one too few.
func (a *Account) since() (time.Time, bool) {
	if a.Since == nil {
		return time.Time{}, false
	}
	return a.Since.Add(-clockSlack), true
}

// clockSlack is how far a server's clock may lag behind ours.
const clockSlack = 15 * time.Minute
