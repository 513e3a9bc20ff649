package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
)

// installed returns a data directory with an installation that nothing runs.
func installed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	restart(t, &globals{Data: dir})
	return dir
}

// restart opens an installation as serve does, and closes it again.
func restart(t *testing.T, g *globals) {
	t.Helper()
	in, err := open(t.Context(), g, wants{makes: true})
	if err == nil {
		err = in.close(context.WithoutCancel(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// commandsOnAnInstallation are those that need one and must not make one.
var commandsOnAnInstallation = [][]string{
	{"doctor"}, {"import", "mail.eml"}, {"replay"}, {"restored"}, {"poll", "support@a.test"}, {"train", "spam", "mail.eml"}, {"classify", "score", "mail.eml"},
}

func TestNoInstallation(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t).OwnerURL // migrated, but nothing was sealed in it
	for _, command := range commandsOnAnInstallation {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			typo := filepath.Join(base, "typo")
			_, errs, code := mailRun(t, "", append(command, "--data", typo)...)
			if want := "there is no installation in " + typo; code != exitFailed || !strings.Contains(errs, want) || !strings.Contains(errs, "postroom serve --data "+typo) {
				t.Errorf("exit code %d, said %q, want %d and %q", code, errs, exitFailed, want)
			}
			_, errs, code = mailRun(t, "", append(command, "--data", typo, "--database", database)...)
			if want := "there is no installation in this database"; code != exitFailed || !strings.Contains(errs, want) {
				t.Errorf("with --database: exit code %d, said %q, want %d and %q", code, errs, exitFailed, want)
			}
			if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
				t.Errorf("made %v (%v), want nothing", left, err)
			}
		})
	}
}

func TestLostMasterKey(t *testing.T) {
	t.Parallel()
	dir := installed(t)
	key := filepath.Join(dir, "master.key")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	for _, w := range []wants{{makes: true}, {guest: true}} {
		_, err = open(t.Context(), &globals{Data: dir}, w)
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "put your backup of the file back") {
			t.Errorf("open without the key, %+v = %v, want it to name the file and what to do", w, err)
		}
		if _, err := os.Stat(key); !os.IsNotExist(err) {
			t.Fatalf("a new key was made in the place of the lost one (%v)", err)
		}
	}
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	restart(t, &globals{Data: dir})
}

// A first start that was killed between the key and the first keyset is gone on with.
func TestKeyBeforeKeyset(t *testing.T) {
	t.Parallel()
	ctx, g := t.Context(), &globals{Data: t.TempDir()}
	in := &instance{data: g.Data}
	if err := in.openDatabase(ctx, g, wants{}); err != nil {
		t.Fatal(err)
	}
	err := in.unlock(ctx, g, wants{makes: true}, postgres.Keysets{DB: in.db})
	if cerr := in.close(context.WithoutCancel(ctx)); err != nil || cerr != nil || in.keyMade == "" {
		t.Fatalf("unlock = %v, key made at %q, close = %v", err, in.keyMade, cerr)
	}
	if _, errs, code := mailRun(t, "", "doctor", "--data", g.Data); code != exitFailed || !strings.Contains(errs, "there is no installation in") {
		t.Errorf("doctor of half an installation: exit code %d, said %q", code, errs)
	}
	restart(t, g)
	if _, errs, code := mailRun(t, "", "doctor", "--data", g.Data); code != exitOK {
		t.Errorf("doctor: exit code %d, said %q", code, errs)
	}
}
