package postgres_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres/pgtest"
)

var update = flag.Bool("update", false, "rewrite schema.sql from the migrations")

// schema.sql is the schema as the migrations leave it, for people to read. Its
// exact text differs with pg_dump's version, so the test compares the columns.
func TestSchema(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Database(t)
	if *update {
		writeSchema(t, cfg.OwnerURL)
	}
	text, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), cfg.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), `
		select table_name || '.' || column_name from information_schema.columns
		where table_schema = 'public' and table_name not like 'goose%' order by table_name, ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(columns) == 0 {
		t.Fatalf("no columns: %v", err)
	}
	for _, c := range columns {
		table, column, _ := strings.Cut(c, ".")
		_, rest, ok := strings.Cut(string(text), "CREATE TABLE public."+table+" (")
		body, _, _ := strings.Cut(rest, "\n);")
		if !ok || !regexp.MustCompile(`(?m)^    "?`+column+`"? `).MatchString(body) {
			t.Errorf("schema.sql lacks %s: run make schema", c)
		}
	}
}

// writeSchema dumps the schema without what differs from run to run.
func writeSchema(t *testing.T, url string) {
	t.Helper()
	dump := "pg_dump"
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); err == nil && len(found) > 0 {
		dump = found[len(found)-1]
	}
	out, err := exec.CommandContext(t.Context(), dump, "--schema-only", "--no-owner", "--exclude-table=goose*", "--dbname="+url).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	var keep []string
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.HasPrefix(line, "--") || strings.HasPrefix(line, "SET ") || strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "SELECT pg_catalog") {
			continue
		}
		keep = append(keep, line)
	}
	text := "-- Written by make schema from the migrations; for people to read.\n" +
		regexp.MustCompile(`\n{3,}`).ReplaceAllString(strings.Join(keep, "\n"), "\n\n")
	if err := os.WriteFile("schema.sql", []byte(strings.TrimRight(text, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
