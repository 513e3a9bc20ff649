package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/internal/postgres"
	"postroom/internal/vault"
	"postroom/oauthgmail"
	"postroom/tickets"
)

// An instance is the product on one database: what all commands share.
type instance struct {
	data     string
	cluster  *postgres.Cluster // nil with a database of the operator's
	db       *postgres.DB
	vault    *vault.Vault
	filter   *classify.Filter
	desk     *tickets.Desk
	pipeline *ingest.Pipeline
	oauth    *oauthgmail.Service
	poller   *imappoll.Poller
	keyMade  string // path of the master key, when it was made just now
}

// wants says what a command needs of an instance.
type wants struct {
	makes   bool // may make an installation where there is none
	guest   bool // may join a database that another process runs
	works   bool // carries messages on
	limits  ingest.Limits
	metrics prometheus.Registerer
}

// open starts or joins the database and builds the instance on it. The caller
// closes it.
func open(ctx context.Context, g *globals, w wants) (*instance, error) {
	in := &instance{data: g.Data}
	if err := prepare(ctx, g, w); err != nil {
		return nil, err
	}
	if err := in.openDatabase(ctx, g, w); err != nil {
		return nil, errors.Join(err, in.close(ctx))
	}
	if err := in.build(ctx, g, w); err != nil {
		return nil, errors.Join(err, in.close(ctx))
	}
	return in, nil
}

// prepare makes the data directory, or sees to it that nothing is made where there
// is no installation: a directory that was mistyped is not an empty one.
func prepare(ctx context.Context, g *globals, w wants) error {
	if w.makes {
		if err := os.MkdirAll(g.Data, 0o755); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
		return nil
	}
	var has bool
	var err error
	if g.Database == "" {
		has, err = postgres.HasCluster(g.Data)
	} else {
		has, err = postgres.HasSchema(ctx, g.Database)
	}
	if err == nil && !has {
		err = noInstallation(g)
	}
	return err
}

func noInstallation(g *globals) error {
	if g.Database != "" {
		return errors.New("there is no installation in this database: correct --database, or start postroom serve on it first, which makes one")
	}
	return fmt.Errorf("there is no installation in %s: correct --data, or start postroom serve --data %[1]s first, which makes one", g.Data)
}

func (in *instance) openDatabase(ctx context.Context, g *globals, w wants) error {
	cfg := postgres.Config{URL: g.Database}
	if g.Database == "" {
		var err error
		in.cluster, err = postgres.StartCluster(ctx, postgres.ClusterConfig{Dir: g.Data, Guest: w.guest})
		if errors.Is(err, postgres.ErrInUse) {
			return fmt.Errorf("%w: stop it, or choose another --data, or give both the same --database", err)
		}
		if err != nil {
			return err
		}
		cfg = in.cluster.Config()
	}
	var err error
	in.db, err = postgres.Open(ctx, cfg)
	return err
}

func (in *instance) build(ctx context.Context, g *globals, w wants) error {
	keysets := postgres.Keysets{DB: in.db}
	if err := in.unlock(ctx, g, w, keysets); err != nil {
		return err
	}
	secret, err := sealedSecret(ctx, in.vault, keysets, "filter_secret")
	if err != nil {
		return err
	}
	threadKey, err := sealedSecret(ctx, in.vault, keysets, "thread_key")
	if err != nil {
		return err
	}
	in.filter = classify.New(in.db, classify.Config{Secret: secret})
	in.desk = tickets.New(in.db, tickets.SignWith(threadKey))
	disk := ""
	if in.cluster != nil {
		disk = filepath.Join(g.Data, "postgres")
	}
	in.pipeline = ingest.New(ingest.Config{
		DB: in.db, Vault: in.vault, Filter: in.filter, Desk: in.desk, Metrics: ingest.NewMetrics(w.metrics),
		Limits: w.limits, Works: w.works, Disk: disk,
	})
	in.oauth = oauthgmail.New(oauthgmail.Config{DB: in.db, Vault: in.vault})
	in.poller = imappoll.New(imappoll.Config{
		DB: in.db, Vault: in.vault, Pipeline: in.pipeline, Tokens: in.oauth, Metrics: imappoll.NewMetrics(w.metrics),
	})
	return nil
}

// unlock loads the master key, and makes one as long as nothing is sealed. Whoever
// starts first writes the key before the first keyset, so where there is a keyset
// the key that opens it was there.
func (in *instance) unlock(ctx context.Context, g *globals, w wants, keysets postgres.Keysets) error {
	own, err := keysets.Keyset(ctx, uuid.Nil)
	if err != nil {
		return err
	}
	if own == nil && !w.makes {
		return noInstallation(g)
	}
	keyFile := filepath.Join(g.Data, "master.key")
	master, made, err := vault.LoadMaster(vault.Source{Key: g.Key, KeyFile: g.KeyFile, Default: keyFile, Sealed: own != nil})
	if err != nil {
		return err
	}
	if made {
		in.keyMade = keyFile
	} else if own == nil {
		slog.WarnContext(ctx, "the database is empty, though its master key is here; if a backup was to be restored, stop now: "+
			"until it is, mail to its addresses is refused as unknown", "data", g.Data)
	}
	in.vault = vault.New(master, keysets)
	return nil
}

// sealedSecret is a key of the installation's, made once and kept sealed: for the
// hashes of the filter's features, for the tokens that name tickets.
func sealedSecret(ctx context.Context, v *vault.Vault, keysets postgres.Keysets, name string) ([]byte, error) {
	row := []byte(name)
	box, err := v.Box(ctx, uuid.Nil)
	if err != nil {
		return nil, fmt.Errorf("the installation's keys: %w", err)
	}
	sealed, err := keysets.Secret(ctx, name, func() ([]byte, error) {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, err
		}
		return box.Seal(secret, row)
	})
	if err != nil {
		return nil, err
	}
	return box.Open(sealed, row)
}

// during runs the pipeline, the filter and the database's watch while do does its
// work, and then closes the instance.
func (in *instance) during(ctx context.Context, do func(context.Context) error) error {
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var behind errgroup.Group
	behind.Go(func() error { return in.pipeline.Run(inner) })
	behind.Go(func() error { return in.filter.Run(inner) })
	if in.cluster != nil {
		behind.Go(func() error { return in.cluster.Run(inner) })
	}
	err := do(ctx)
	stop()
	return errors.Join(err, behind.Wait(), in.close(ctx))
}

// close leaves the database, and stops it when it is ours.
func (in *instance) close(ctx context.Context) error {
	if in.db != nil {
		in.db.Close()
	}
	if in.cluster != nil {
		return in.cluster.Stop(context.WithoutCancel(ctx))
	}
	return nil
}
