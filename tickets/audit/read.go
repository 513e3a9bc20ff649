package audit

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/internal/postgres"
)

const recordsSQL = `
	select seq, at, actor, action, target, detail, hash from audit
	where workspace_id = $1 and seq > $2 order by seq limit $3`

// Records returns up to limit records behind the one with the number after, in
// order; 0 asks from the start.
func Records(ctx context.Context, db *postgres.DB, workspace uuid.UUID, after int64, limit int) ([]Record, error) {
	var list []Record
	err := db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, recordsSQL, workspace, after, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Record])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return list, nil
}

const headAtSQL = `select exists (select from audit where workspace_id = $1 and seq = $2 and substr(hash, 1, length($3::bytea)) = $3)`

// A Head is the end of a chain as it was at some time: a record's number and the
// beginning of its hash. Kept where those who can write in the database cannot, it
// shows whether all up to there is what it was then, which the chain alone, being
// made without a secret, cannot.
type Head struct {
	Seq  int64
	Hash []byte
}

const headHash = 16 // octets of the hash that a Head keeps: too many to be met twice

func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// UnmarshalText reads what String wrote.
func (h *Head) UnmarshalText(text []byte) error {
	seq, hash, _ := strings.Cut(string(text), ":")
	var err, herr error
	h.Seq, err = strconv.ParseInt(seq, 10, 64)
	h.Hash, herr = hex.DecodeString(hash)
	if err != nil || herr != nil || h.Seq < 1 || len(h.Hash) != headHash {
		return fmt.Errorf("%q is no head of an audit chain: give it as doctor printed it, a number, a colon and %d hex digits", text, 2*headHash)
	}
	return nil
}

// HeadOf returns the end of a workspace's chain now.
func HeadOf(ctx context.Context, db *postgres.DB, workspace uuid.UUID) (Head, error) {
	var h Head
	err := db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, endSQL, workspace).Scan(&h.Seq, &h.Hash)
	})
	if err != nil {
		return h, fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	h.Hash = h.Hash[:headHash]
	return h, nil
}

// Has reports whether the chain, which Verify has found whole, goes through h.
func Has(ctx context.Context, db *postgres.DB, workspace uuid.UUID, h Head) (has bool, err error) {
	err = db.InWorkspace(ctx, workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, headAtSQL, workspace, h.Seq, h.Hash).Scan(&has)
	})
	if err != nil {
		return false, fmt.Errorf("audit of workspace %s: %w", workspace, err)
	}
	return has, nil
}
