package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Keysets keeps each workspace's wrapped data keys, and under the zero UUID those
// of the installation itself. It satisfies vault.Store.
type Keysets struct{ DB *DB }

const keysetSQL = `
	select wrapped from workspace_key where workspace_id = $1
	union all
	select value from installation where name = 'keyset' and $1 = '00000000-0000-0000-0000-000000000000'::uuid`

// Keyset returns the workspace's wrapped keyset, nil when it has none yet.
func (k Keysets) Keyset(ctx context.Context, workspace uuid.UUID) ([]byte, error) {
	var wrapped []byte
	err := k.DB.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, keysetSQL, workspace).Scan(&wrapped)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keyset of workspace %s: %w", workspace, err)
	}
	return wrapped, nil
}

const (
	insertKeysetSQL = `insert into workspace_key (workspace_id, wrapped) values ($1, $2) on conflict do nothing`
	updateKeysetSQL = `update workspace_key set wrapped = $3 where workspace_id = $1 and wrapped = $2`
	// The same for the installation; $1 is there only to be of the same form.
	insertOwnKeysetSQL = `
		insert into installation (name, value) select 'keyset', $2::bytea where $1::uuid is not null on conflict do nothing`
	updateOwnKeysetSQL = `
		update installation set value = $3 where name = 'keyset' and $1::uuid is not null and value = $2`
)

// SwapKeyset stores next if what is stored is still prev (nil: nothing), and
// returns what is stored afterwards.
func (k Keysets) SwapKeyset(ctx context.Context, workspace uuid.UUID, prev, next []byte) ([]byte, error) {
	insert, update := insertKeysetSQL, updateKeysetSQL
	if workspace == uuid.Nil {
		insert, update = insertOwnKeysetSQL, updateOwnKeysetSQL
	}
	var stored []byte
	err := k.DB.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		var err error
		if prev == nil {
			_, err = tx.Exec(ctx, insert, workspace, next)
		} else {
			_, err = tx.Exec(ctx, update, workspace, prev, next)
		}
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, keysetSQL, workspace).Scan(&stored)
	})
	if err != nil {
		return nil, fmt.Errorf("keyset of workspace %s: %w", workspace, err)
	}
	return stored, nil
}

const (
	secretSQL    = `select value from installation where name = $1`
	addSecretSQL = `insert into installation (name, value) values ($1, $2) on conflict do nothing`
)

// Secret returns the installation's value of that name. Where there is none yet it
// stores what first returns; of several processes that do so at once, one wins.
func (k Keysets) Secret(ctx context.Context, name string, first func() ([]byte, error)) ([]byte, error) {
	var value []byte
	err := k.DB.pool.QueryRow(ctx, secretSQL, name).Scan(&value)
	if !errors.Is(err, pgx.ErrNoRows) {
		return value, err
	}
	made, err := first()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := k.DB.pool.Exec(ctx, addSecretSQL, name, made); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	err = k.DB.pool.QueryRow(ctx, secretSQL, name).Scan(&value)
	return value, err
}
