package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binGlobs are the places where distributions put a PostgreSQL server.
var binGlobs = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // Red Hat
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew, Apple silicon
	"/usr/local/opt/postgresql*/bin",    // Homebrew, Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findBin returns the directory of the newest suitable server, or of the one
// whose major version made the cluster that already is in data.
func findBin(ctx context.Context, data string) (string, error) {
	made := 0
	if b, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		made, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	found := map[int]string{}
	for _, dir := range binDirs() {
		major, ok := serverMajor(ctx, filepath.Join(dir, "postgres"))
		if _, known := found[major]; ok && !known {
			found[major] = dir
		}
	}
	if made != 0 {
		if dir, ok := found[made]; ok {
			return dir, nil
		}
		return "", fmt.Errorf("the database in %s was made by PostgreSQL %d, which is not installed: install it (on Debian: apt-get install postgresql-%d)", data, made, made)
	}
	best := 0
	for major := range found {
		if major*10000 >= MinVersion {
			best = max(best, major)
		}
	}
	if best == 0 {
		return "", fmt.Errorf("no PostgreSQL %d or newer is installed: install it (on Debian: apt-get install postgresql; with Homebrew: brew install postgresql@16), or name a server with --database", MinVersion/10000)
	}
	return found[best], nil
}

// binDirs lists directories that hold both initdb and postgres, PATH first.
func binDirs() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, g := range binGlobs {
		m, err := filepath.Glob(g)
		if err == nil {
			dirs = append(dirs, m...)
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		for _, name := range []string{"initdb", "postgres"} {
			if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
				return true
			}
		}
		return false
	})
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func serverMajor(ctx context.Context, postgres string) (int, bool) {
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0, false
	}
	m := majorVersion.FindSubmatch(out)
	if m == nil {
		return 0, false
	}
	major, err := strconv.Atoi(string(m[1]))
	return major, err == nil
}
