package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// HasCluster reports whether a private cluster was made in dir. It makes nothing.
func HasCluster(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, "postgres", "cluster"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("data directory: %w", err)
	}
	return true, nil
}

// HasSchema reports whether the database at url was ever migrated. It makes nothing.
func HasSchema(ctx context.Context, url string) (has bool, err error) {
	pc, err := pgx.ParseConfig(url)
	if err != nil {
		return false, fmt.Errorf("database URL: %w", err)
	}
	pc.ConnectTimeout = connectWithin
	conn, err := pgx.ConnectConfig(ctx, pc)
	if err != nil {
		return false, fmt.Errorf("reach the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := conn.QueryRow(ctx, "select to_regclass('installation') is not null").Scan(&has); err != nil {
		return false, fmt.Errorf("reach the database: %w", err)
	}
	return has, nil
}
