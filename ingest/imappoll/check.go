package imappoll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/alert"
	"postroom/tickets"
)

// A Difference is a UID about which server and ledger do not agree.
type Difference struct {
	Folder string
	UID    uint32
	What   string
}

// A Reconciliation compares one folder of the server with the ledger.
type Reconciliation struct {
	Folder      string
	Validity    uint32
	OnServer    int // UIDs that the server has
	InLedger    int // and how many of them have a row
	Stored      int // rows of those: a message here,
	Before      int // mail from before the mailbox was set up,
	SetAside    int // or mail that cannot be read at the server
	Pending     int // on the server and not yet looked at by the poller
	Gone        int // stored mail that the server does not have any more
	Differences []Difference
}

// Agrees reports whether nothing is missing on either side.
func (r Reconciliation) Agrees() bool { return len(r.Differences) == 0 }

// ledgerRow is what the comparison needs of a row.
type ledgerRow struct {
	uid     uint32
	state   string
	present bool
	reason  string
	message bool // the message of a stored row is there
}

const ledgerRowsSQL = `
	select u.uid, u.state, u.present, coalesce(u.reason, ''),
		u.message_id is not null and exists (select from message m where m.workspace_id = $1 and m.id = u.message_id)
	from imap_uid u where u.workspace_id = $1 and u.folder_id = $2 and u.epoch = $3 order by u.uid`

func (l *uidLedger) rows(ctx context.Context, f *Folder) ([]ledgerRow, error) {
	var list []ledgerRow
	err := l.in(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, ledgerRowsSQL, l.workspace, f.ID, f.Epoch)
		if err != nil {
			return err
		}
		var uid int64
		var r ledgerRow
		_, err = pgx.ForEachRow(rows, []any{&uid, &r.state, &r.present, &r.reason, &r.message}, func() error {
			r.uid = uint32(uid)
			list = append(list, r)
			return nil
		})
		return err
	})
	return list, err
}

// compare sets the server's UIDs against the ledger's; both ascend. Mail beyond
// the cursor is on its way; below it every UID must have a row.
func compare(f *Folder, there []uint32, rows []ledgerRow) Reconciliation {
	r := Reconciliation{Folder: f.Name, Validity: uint32(f.Validity), OnServer: len(there)}
	differs := func(uid uint32, format string, args ...any) {
		r.Differences = append(r.Differences, Difference{f.Name, uid, fmt.Sprintf(format, args...)})
	}
	i := 0
	for _, u := range there {
		for i < len(rows) && rows[i].uid < u {
			r.absent(rows[i])
			i++
		}
		if i == len(rows) || rows[i].uid != u {
			if int64(u) > f.LastUID || f.Adopting {
				r.Pending++
			} else {
				differs(u, "the server has it, and the ledger does not know it")
			}
			continue
		}
		row := rows[i]
		i++
		r.InLedger++
		switch row.state {
		case "stored":
			r.Stored++
			if !row.message {
				differs(u, "the ledger says that it is stored, and its message is missing here")
			}
		case "before":
			r.Before++
		case "gone":
			differs(u, "it was gone when it was to be read, and is there again")
		default:
			r.SetAside++
			differs(u, "it cannot be read at the server: %s", row.reason)
		}
	}
	for ; i < len(rows); i++ {
		r.absent(rows[i])
	}
	return r
}

func (r *Reconciliation) absent(row ledgerRow) {
	if row.state == "stored" {
		r.Gone++
	}
}

const (
	checkedSQL = `
		update imap_folder set checked_at = now(), on_server = $5, in_ledger = $6
		where workspace_id = $1 and mailbox_id = $2 and id = $4 and ` + fencedSQL
	// Joined, and not "uid = any ($4)": PostgreSQL would go through the whole array for each row.
	presentSQL = `
		update imap_uid u set present = not u.present
		from (
			select x.uid from imap_uid x left join unnest($4::bigint[]) as t (uid) on t.uid = x.uid
			where x.workspace_id = $1 and x.folder_id = $2 and x.epoch = $3 and x.present <> (t.uid is not null)) as changed
		where u.workspace_id = $1 and u.folder_id = $2 and u.epoch = $3 and u.uid = changed.uid`
	forgetSQL = `
		delete from imap_uid where workspace_id = $1 and folder_id = $2 and epoch = $3 and uid = any ($4) and state = 'gone'`
)

// check is the light check: it compares the open folder with the ledger, takes
// what was missed by whatever cause, and notes the counts.
func (m *mailbox) check(ctx context.Context, se *session, f *Folder) error {
	if f.CheckedAt != nil && time.Since(*f.CheckedAt) < m.p.limits.CheckEvery || f.Adopting {
		return nil
	}
	there, err := se.uids(1)
	if err != nil {
		return err
	}
	rows, err := m.uids.rows(ctx, f)
	if err != nil {
		return err
	}
	r := compare(f, there, rows)
	missed := r.missed(rows)
	if err := m.mend(ctx, se, f, missed); err != nil {
		return err
	}
	if err := m.checked(ctx, f, there, r, len(missed)); err != nil {
		return err
	}
	return nil
}

// missed are the UIDs that must be taken after all.
func (r *Reconciliation) missed(rows []ledgerRow) []uint32 {
	aside := map[uint32]bool{}
	for _, row := range rows {
		aside[row.uid] = row.state != "gone"
	}
	var list []uint32
	for _, d := range r.Differences {
		if !aside[d.UID] {
			list = append(list, d.UID)
		}
	}
	slices.Sort(list)
	return list
}

// mend takes mails that the ledger ought to have known.
func (m *mailbox) mend(ctx context.Context, se *session, f *Folder, missed []uint32) error {
	if len(missed) == 0 {
		return nil
	}
	m.log(ctx, "the server has mails below the cursor that the ledger does not know; they are taken now", "folder", f.Name, "mails", len(missed))
	if err := m.uids.in(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, forgetSQL, m.a.Workspace, f.ID, f.Epoch, wide(missed))
		return err
	}); err != nil {
		return err
	}
	return m.takeAll(ctx, se, f, missed)
}

// checked notes what the check found.
func (m *mailbox) checked(ctx context.Context, f *Folder, there []uint32, r Reconciliation, mended int) error {
	now := time.Now()
	f.CheckedAt, f.OnServer = &now, int64(r.OnServer)
	f.InLedger = int64(r.InLedger + mended)
	if err := m.p.db.InWorkspace(ctx, m.a.Workspace, func(tx pgx.Tx) error { // all of a folder: by hash, not by key
		if _, err := tx.Exec(ctx, checkedSQL, m.a.Workspace, m.a.Mailbox, m.uids.fence, f.ID, f.OnServer, f.InLedger); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, presentSQL, m.a.Workspace, f.ID, f.Epoch, wide(there))
		return err
	}); err != nil {
		return fmt.Errorf("check of folder %q: %w", clean(f.Name), err)
	}
	if r.Agrees() {
		return m.p.resolve(ctx, m.a.Workspace, m.a.Mailbox, alert.Differs)
	}
	return m.p.raise(ctx, m.a, alert.Differs,
		fmt.Sprintf("Folder %s of %s: the server has %d mails, %d of them were accounted for, %d were taken after all", clean(f.Name), m.a.Address, r.OnServer, r.InLedger, mended),
		"Run postroom doctor --mailbox "+m.a.Address+" to see each difference.")
}

// Reconcile compares every folder of a mailbox with the ledger, over a connection
// of its own, and changes nothing.
func (p *Poller) Reconcile(ctx context.Context, workspace, mailbox uuid.UUID) ([]Reconciliation, error) {
	m, se, err := p.visit(ctx, workspace, mailbox)
	if err != nil {
		return nil, err
	}
	defer se.leave()
	var list []Reconciliation
	for i := range m.a.Folders {
		r, err := m.reconcile(ctx, se, &m.a.Folders[i])
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func (m *mailbox) reconcile(ctx context.Context, se *session, f *Folder) (Reconciliation, error) {
	data, err := se.choose(f.Name, false)
	if refusedBy(err) {
		return Reconciliation{Folder: f.Name, Differences: []Difference{{f.Name, 0, err.Error()}}}, nil
	}
	if err != nil {
		return Reconciliation{}, err
	}
	there, err := se.uids(1)
	if err != nil {
		return Reconciliation{}, err
	}
	if int64(data.UIDValidity) != f.Validity {
		return Reconciliation{Folder: f.Name, Validity: data.UIDValidity, OnServer: len(there), Pending: len(there)}, nil
	}
	rows, err := m.uids.rows(ctx, f)
	if err != nil {
		return Reconciliation{}, err
	}
	return compare(f, there, rows), nil
}

// visit logs in to a mailbox for a task beside its poller.
func (p *Poller) visit(ctx context.Context, workspace, mailbox uuid.UUID) (*mailbox, *session, error) {
	a, err := p.read(ctx, workspace, mailbox)
	if err != nil {
		return nil, nil, err
	}
	m := p.newMailbox(a)
	se, err := m.connect(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", a.Address, err)
	}
	return m, se, nil
}

// Account returns how a mailbox is polled, tickets.ErrNotFound when it is not.
// The password is not shown.
func (p *Poller) Account(ctx context.Context, workspace, mailbox uuid.UUID) (*Account, error) {
	return p.read(ctx, workspace, mailbox)
}

// Accounts lists the polled mailboxes of a workspace.
func (p *Poller) Accounts(ctx context.Context, workspace uuid.UUID) ([]*Account, error) {
	return p.list(ctx, workspace)
}

// Put has a mailbox polled by these settings from now on. Folders that were polled
// before keep their cursors, whatever else changes. The errors are tickets'.
func (p *Poller) Put(ctx context.Context, actor string, workspace, mailbox uuid.UUID, s Settings) error {
	return p.put(ctx, actor, workspace, mailbox, s)
}

// Drop ends the polling of a mailbox and erases its password.
func (p *Poller) Drop(ctx context.Context, actor string, workspace, mailbox uuid.UUID) error {
	return p.drop(ctx, actor, workspace, mailbox)
}

// Session is what the envelopes of mails that this process takes are marked with.
func (p *Poller) Session() string { return p.session }

// PollNow has a mailbox polled at once, if this process polls it; tickets.ErrConflict
// when another one does.
func (p *Poller) PollNow(mailbox uuid.UUID) error {
	p.mu.Lock()
	r := p.running[mailbox]
	p.mu.Unlock()
	if r == nil {
		return &tickets.ConflictError{Reason: "This process does not poll the mailbox: another one does, or it is disabled or was only just set up. Its polling says how it stands; it is polled by itself when its time has come."}
	}
	r.nudge()
	return nil
}

const (
	takeOneSQL = `
		update imap_account set holder = $3, fence = fence + 1 where workspace_id = $1 and mailbox_id = $2
			and (holder is null or not exists (select from poll_process p where p.id = holder and p.until > now()))
		returning fence`
	giveOneSQL = `update imap_account set holder = null where workspace_id = $1 and mailbox_id = $2 and holder = $3`
)

// ErrHeld means that a running process polls the mailbox already.
var ErrHeld = fmt.Errorf("a running process polls this mailbox already: %w", tickets.ErrConflict)

// PollOnce polls one mailbox once, in the foreground, and tells how far it is. It
// works beside a running serve, as long as that does not poll the same mailbox.
func (p *Poller) PollOnce(ctx context.Context, workspace, mailbox uuid.UUID, progress func(taken, backlog int64)) (Status, error) {
	a, err := p.read(ctx, workspace, mailbox)
	if err != nil {
		return Status{}, err
	}
	if err := p.hold(ctx, a); err != nil {
		return Status{}, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = p.db.InWorkspace(end, workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(end, giveOneSQL, workspace, mailbox, p.id)
			return err
		})
		_, _ = p.db.Exec(end, releaseSQL, p.id, nil)
	}()
	inner, stop := context.WithCancel(ctx)
	defer stop()
	go p.every(inner, p.limits.Lease/3, func(ctx context.Context) { _ = p.beat(ctx) })
	m := p.newMailbox(a)
	if progress != nil {
		go p.every(inner, 100*time.Millisecond, func(context.Context) {
			m.mu.Lock()
			defer m.mu.Unlock()
			progress(m.taken, m.status.Backlog)
		})
	}
	se, err := m.connect(ctx)
	if err != nil {
		return m.status, err
	}
	defer se.leave()
	if err := m.poll(ctx, se, true); err != nil {
		return m.status, err
	}
	err = errors.Join(m.well(ctx), m.lack.err)
	taken := m.taken
	once := []*running{{mailbox: m, fence: a.fence}}
	p.reportOf(ctx, once)
	p.noteUseOf(ctx, once)
	m.status.Taken = taken
	return m.status, err
}

func (p *Poller) beat(ctx context.Context) error {
	_, err := p.db.Exec(ctx, beatSQL, p.id, p.limits.Lease)
	return err
}

// hold takes one mailbox for this process.
func (p *Poller) hold(ctx context.Context, a *Account) error {
	if err := p.beat(ctx); err != nil {
		return err
	}
	err := p.db.InWorkspace(ctx, a.Workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, takeOneSQL, a.Workspace, a.Mailbox, p.id)
		if err != nil {
			return err
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(list) == 0 {
			return ErrHeld
		}
		if err == nil {
			a.fence = list[0]
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("poll %s: %w", a.Address, err)
	}
	return nil
}
