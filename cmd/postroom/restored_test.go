package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"postroom/ingest"
	"postroom/internal/postgres"
	"postroom/tickets"
)

// TestBackup goes the way of docs/operations.md: a dump of a database in use,
// restored into a new directory beside the kept master key, and the ticket numbers
// given since the backup left out.
func TestBackup(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; install PostgreSQL's client programs (Debian: postgresql-client)", err)
		}
	}
	lost := &globals{Data: roomyDir(t)}
	in, err := open(t.Context(), lost, wants{makes: true, works: true})
	if err != nil {
		t.Fatal(err)
	}
	var w tickets.Workspace
	dump := filepath.Join(lost.Data, "postroom.dump")
	err = in.during(t.Context(), func(ctx context.Context) error {
		if w, err = in.desk.CreateWorkspace(ctx, "test", "Test"); err != nil {
			return err
		}
		m, err := in.desk.CreateMailbox(ctx, w.ID, "test", "support@backup.test", "")
		if err != nil {
			return err
		}
		receive(t, in, w.ID, m, "before")
		tool(t, "pg_dump", "-h", in.cluster.Socket(), "-U", "postgres", "-Fc", "-f", dump, "postroom")
		receive(t, in, w.ID, m, "after")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	restored := &globals{Data: roomyDir(t), KeyFile: filepath.Join(lost.Data, "master.key")}
	restore(t, restored.Data, dump)
	var keyed = []string{"--data", restored.Data, "--key-file", restored.KeyFile}
	out, errs, code := mailRun(t, "", append([]string{"doctor", "--raw"}, keyed...)...)
	if code != exitOK || !strings.Contains(out, "raw mails opened 1 of 1") {
		t.Fatalf("doctor of the restored database: code %d, %s%s", code, out, errs)
	}
	out, errs, code = mailRun(t, "", append([]string{"restored", "--skip", "50"}, keyed...)...)
	if code != exitOK || !strings.Contains(out, "the next ticket is 52 or higher") {
		t.Fatalf("restored: code %d, %s%s", code, out, errs)
	}
	in, err = open(t.Context(), restored, wants{works: true})
	if err != nil {
		t.Fatal(err)
	}
	err = in.during(t.Context(), func(ctx context.Context) error {
		boxes, err := in.desk.Mailboxes(ctx, w.ID)
		if err != nil {
			return err
		}
		receive(t, in, w.ID, boxes[0], "anew")
		list, err := in.desk.Tickets(ctx, w.ID, tickets.Filter{Limit: 10})
		if len(list) != 2 || list[0].Number != 52 {
			t.Errorf("tickets %+v, want number 52 and the one restored", list)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// roomyDir is a directory in which a unix socket has room, and that the server's
// user may enter.
func roomyDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postroom-backup-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// restore brings a dump into a new private database.
func restore(t *testing.T, data, dump string) {
	t.Helper()
	c, err := postgres.StartCluster(t.Context(), postgres.ClusterConfig{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	tool(t, "pg_restore", "-h", c.Socket(), "-U", "postgres", "--no-owner", "--role=postroom_owner", "--exit-on-error", "-d", "postroom", dump)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// receive offers a mail of that subject and waits until it is filed.
func receive(t *testing.T, in *instance, w uuid.UUID, m tickets.Mailbox, subject string) {
	t.Helper()
	err := in.pipeline.Accept(t.Context(), ingest.Offer{
		Raw:      []byte("From: " + subject + "@backup.test\nSubject: " + subject + "\nMessage-ID: <" + subject + "@backup.test>\n\n" + subject + "\n"),
		Envelope: ingest.Envelope{Door: ingest.DoorImport},
		To:       []ingest.Recipient{{Workspace: w, Mailbox: m.ID, Address: m.Address, SourceKey: "test:" + subject}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := in.quiet(ctx, tickets.Workspace{ID: w}); err != nil {
		t.Fatal(err)
	}
}
