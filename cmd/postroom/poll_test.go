package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
)

// A pollRoom is an installation with a mailbox that a Dovecot has.
type pollRoom struct {
	t      *testing.T
	server *imaptest.Dovecot
	dir    string
}

const polled = "support@poll.test"

// with opens the installation for something that no command does.
func (r *pollRoom) with(do func(ctx context.Context, in *instance) error) {
	r.t.Helper()
	in, err := open(r.t.Context(), &globals{Data: r.dir}, wants{makes: true, guest: true})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := do(r.t.Context(), in); err != nil {
		r.t.Error(err)
	}
	if err := in.close(context.WithoutCancel(r.t.Context())); err != nil {
		r.t.Error(err)
	}
}

func (r *pollRoom) setUp(ctx context.Context, in *instance) error {
	w, err := in.desk.CreateWorkspace(ctx, "test", "Test")
	if err != nil {
		return err
	}
	if _, err := in.desk.CreateMailbox(ctx, w.ID, "test", "unpolled@poll.test", ""); err != nil {
		return err
	}
	m, err := in.desk.CreateMailbox(ctx, w.ID, "test", polled, "")
	if err != nil {
		return err
	}
	return in.poller.Put(ctx, "test", w.ID, m.ID, imappoll.Settings{
		Server:   imappoll.Server{Host: "127.0.0.1", Port: r.server.Port, Security: imappoll.None, Auth: imappoll.Password, Username: "anna"},
		Password: imaptest.Password, Enabled: true,
		Folders: []imappoll.FolderSetting{{Name: "INBOX"}, {Name: "Sent", Role: imappoll.Sent}},
	})
}

func (r *pollRoom) deliver(folder string, ids ...int) {
	for _, n := range ids {
		r.server.Deliver("anna", folder, fmt.Sprintf(
			"From: Anna <anna@example.test>\nTo: %s\nMessage-ID: <%d@poll.test>\nSubject: mail %d\n\nHello\n", polled, n, n))
	}
}

// forget makes the ledger lose the row of a UID.
func forget(ctx context.Context, in *instance) error {
	c, err := pgx.Connect(ctx, in.cluster.Config().OwnerURL)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	tag, err := c.Exec(ctx, "delete from imap_uid where uid = 2")
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows are gone, want 1", tag.RowsAffected())
	}
	return err
}

func (r *pollRoom) says(code int, want []string, args ...string) {
	r.t.Helper()
	var out bytes.Buffer
	got := run(r.t.Context(), streams{out: &out, err: &out}, append(args, "--data", r.dir))
	if got != code {
		r.t.Errorf("%v: exit code %d, want %d: %s", args, got, code, out.String())
	}
	for _, w := range want {
		if !strings.Contains(out.String(), w) {
			r.t.Errorf("%v said %q, want %q in it", args, out.String(), w)
		}
	}
}

func TestPollAndDoctor(t *testing.T) {
	t.Parallel()
	r := &pollRoom{t: t, server: imaptest.NewDovecot(t, imaptest.Options{}), dir: t.TempDir()}
	r.server.Folder("anna", "Sent")
	r.deliver("INBOX", 1, 2, 3)
	r.deliver("Sent", 4)
	r.with(r.setUp)

	r.says(exitFailed, []string{"there is no mailbox nobody@poll.test"}, "poll", "nobody@poll.test")
	for _, command := range [][]string{{"poll", "unpolled@poll.test"}, {"doctor", "--mailbox", "unpolled@poll.test"}} {
		r.says(exitFailed, []string{"unpolled@poll.test is not polled: no IMAP server is set for it", "postroom doctor without --mailbox"}, command...)
	}
	r.says(exitOK, []string{"4 mails taken from " + polled, "nothing is left"}, "poll", polled)
	r.with(func(ctx context.Context, in *instance) error { // poll waits until all of it has ended
		to, err := in.mailbox(ctx, polled)
		if err != nil {
			return err
		}
		l, err := in.pipeline.Ledger(ctx, to.workspace.ID)
		if err == nil && (l.Filed != 3 || l.Held != 1 || !l.Balances()) {
			err = fmt.Errorf("ledger %+v: want three mails filed and the sent one held", l)
		}
		return err
	})
	r.says(exitOK, []string{"0 mails taken"}, "poll", polled)
	r.says(exitOK, []string{"INBOX: server 3 = ledger 3 (stored 3,", "Sent: server 1 = ledger 1 (stored 1,"}, "doctor", "--mailbox", polled)

	r.with(forget)
	r.says(exitFailed, []string{"INBOX: server 3 = ledger 2", "UID 2:", "1 differences between the server and the ledger of " + polled}, "doctor", "--mailbox", polled)

	r.server.Stop()
	r.says(exitFailed, []string{"connection refused", "polling again goes on from there"}, "poll", polled)
	r.says(exitFailed, []string{"connection refused"}, "doctor", "--mailbox", polled)
}
