package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"postroom/internal/postgres"
)

type databaseCmd struct{}

// Run runs the private database and nothing else, for pg_dump, pg_restore and psql,
// until it is told to stop. In an empty directory it makes an empty one: that is
// what a backup is restored into.
func (databaseCmd) Run(ctx context.Context, g *globals, std streams) (err error) {
	if g.Database != "" {
		return errors.New("--database names a server of its own: reach that with pg_dump, pg_restore and psql directly")
	}
	if err := os.MkdirAll(g.Data, 0o755); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterConfig{Dir: g.Data})
	if errors.Is(err, postgres.ErrInUse) {
		return fmt.Errorf("%w: its database can be reached as it is (docs/operations.md), or stop it first", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop(context.WithoutCancel(ctx))) }()
	fmt.Fprintf(std.out, "The private database runs alone: no mail is taken. Ctrl-C stops it.\n\n"+
		"  look    psql -h %[1]s -U postgres postroom\n"+
		"  backup  pg_dump -h %[1]s -U postgres -Fc -f postroom.dump postroom\n"+
		"  restore pg_restore -h %[1]s -U postgres --no-owner --role=postroom_owner --exit-on-error -d postroom postroom.dump\n", cluster.Socket())
	return cluster.Run(ctx)
}
