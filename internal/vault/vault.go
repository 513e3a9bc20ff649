// Package vault seals what is stored: envelope encryption with one keyset of data keys per workspace.
//
//	master key ──wraps──> keyset of a workspace ──seals──> bytes of a row
//	(environment, file)   (Store: the database)            (wherever the caller keeps them)
//
// All cryptography is Tink's: AES-256-GCM, and sealed bytes open with the id of their data key, so that keys can be rotated
// while old rows still open. Sealed bytes are bound to their workspace and to the row the caller names. Sealing adds 33
// bytes. A data key is good for 2³² seals (NIST SP 800-38D §8.3, random nonces); Rotate before that.
//
// It must never write a key anywhere in the clear but the key file it makes on first start, nor let one be printed.
package vault

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

const (
	maxBoxes = 1024             // boxes kept; some 2 KB each
	maxAge   = 10 * time.Minute // of a cached keyset: how long another process's Rotate can go unseen by those who seal
	maxSwaps = 64               // each lost swap is another's won one, so this many in a row is a broken Store
)

// Store keeps the wrapped keyset of each workspace.
type Store interface {
	// Keyset returns what is stored, nil when nothing is stored yet.
	Keyset(ctx context.Context, workspace uuid.UUID) (wrapped []byte, err error)
	// SwapKeyset stores next only if what is stored is still prev (nil: nothing is stored), durably, and returns what is
	// stored afterwards.
	SwapKeyset(ctx context.Context, workspace uuid.UUID, prev, next []byte) (stored []byte, err error)
}

// Vault hands out the box of each workspace and changes its keys. It is safe for use by many goroutines, and any number of
// processes may share one Store.
type Vault struct {
	hidden
	master *Master
	store  Store

	mu    sync.Mutex
	boxes map[uuid.UUID]*list.Element // of *Box, in recent
	// recent is ordered by use, latest first.
	recent *list.List
}

// New returns a vault over the keysets in s, wrapped by m.
func New(m *Master, s Store) *Vault {
	return &Vault{master: m, store: s, boxes: map[uuid.UUID]*list.Element{}, recent: list.New()}
}

// Box returns the box of a workspace, and makes its keyset on first use. The 1024 boxes used last are kept, their keysets
// read again after ten minutes; callers who need one keyset at once wait for one read. Ask anew for each piece of work
// rather than keep a box: that is how another process's Rotate is noticed.
func (v *Vault) Box(ctx context.Context, workspace uuid.UUID) (*Box, error) {
	b := v.cached(workspace)
	if b.fresh() {
		return b, nil
	}
	if err := b.lock(ctx); err != nil {
		return nil, fmt.Errorf("keyset of workspace %s: wait for its keys: %w", workspace, err)
	}
	defer b.unlock()
	if b.fresh() {
		return b, nil
	}
	if _, err := b.settle(ctx, v.ensure); err != nil {
		return nil, err
	}
	return b, nil
}

// Rotate adds a new data key to the keyset of a workspace, which seals from now on; the old ones still open. Other processes
// seal with the new key within ten minutes and open what it sealed at once.
func (v *Vault) Rotate(ctx context.Context, workspace uuid.UUID) error {
	_, err := v.change(ctx, workspace, v.rotate)
	return err
}

// Rewrap wraps the keyset of a workspace anew when it is not under the first master key; changed tells whether it was not.
// A master key can be left out once this was done for every workspace. A workspace without a keyset stays without.
func (v *Vault) Rewrap(ctx context.Context, workspace uuid.UUID) (changed bool, err error) {
	return v.change(ctx, workspace, v.rewrap)
}

func (v *Vault) change(ctx context.Context, workspace uuid.UUID, e edit) (changed bool, err error) {
	b := v.cached(workspace)
	if err := b.lock(ctx); err != nil {
		return false, fmt.Errorf("keyset of workspace %s: wait for its keys: %w", workspace, err)
	}
	defer b.unlock()
	return b.settle(ctx, e)
}

// cached returns the one box of a workspace while it is among the recent ones; its keys may not have been read yet.
func (v *Vault) cached(workspace uuid.UUID) *Box {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.boxes[workspace]; ok {
		v.recent.MoveToFront(e)
		return e.Value.(*Box)
	}
	b := &Box{vault: v, workspace: workspace, turn: make(chan struct{}, 1)}
	v.boxes[workspace] = v.recent.PushFront(b)
	if v.recent.Len() > maxBoxes {
		old := v.recent.Remove(v.recent.Back()).(*Box)
		delete(v.boxes, old.workspace)
	}
	return b
}

// An edit says what should be stored instead of prev (nil: nothing is stored); nil keeps it.
type edit func(workspace uuid.UUID, prev []byte) (next []byte, err error)

func keep(uuid.UUID, []byte) ([]byte, error) { return nil, nil }

func (v *Vault) ensure(workspace uuid.UUID, prev []byte) ([]byte, error) {
	if prev != nil {
		return nil, nil
	}
	return v.rotate(workspace, nil)
}

func (v *Vault) rotate(workspace uuid.UUID, prev []byte) ([]byte, error) {
	m := keyset.NewManager()
	if prev != nil {
		h, err := v.master.unwrap(workspace, prev)
		if err != nil {
			return nil, err
		}
		m = keyset.NewManagerFromHandle(h)
	}
	id, err := m.Add(aead.AES256GCMKeyTemplate()) // TINK prefix: sealed bytes open with the key's id
	if err != nil {
		return nil, fmt.Errorf("add a data key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("seal with data key %08x: %w", id, err)
	}
	h, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("add data key %08x: %w", id, err)
	}
	return v.master.wrap(workspace, h)
}

func (v *Vault) rewrap(workspace uuid.UUID, prev []byte) ([]byte, error) {
	if prev == nil {
		return nil, nil
	}
	id, _, err := splitWrapped(prev)
	if err != nil || id == v.master.ID() {
		return nil, err
	}
	h, err := v.master.unwrap(workspace, prev)
	if err != nil {
		return nil, err
	}
	return v.master.wrap(workspace, h)
}

// swap brings what is stored to what e asks for, against all others who change it, and returns what is stored in the end.
func (v *Vault) swap(ctx context.Context, workspace uuid.UUID, e edit) (stored []byte, changed bool, err error) {
	stored, err = v.store.Keyset(ctx, workspace)
	if err != nil {
		return nil, false, fmt.Errorf("read it: %w", err)
	}
	for range maxSwaps {
		var prev []byte // stays nil for an empty value too, whatever the database made of nil
		if len(stored) > 0 {
			prev = stored
		}
		next, err := e(workspace, prev)
		if err != nil || next == nil {
			return prev, false, err
		}
		if stored, err = v.store.SwapKeyset(ctx, workspace, prev, next); err != nil {
			return nil, false, fmt.Errorf("store it: %w", err)
		}
		if bytes.Equal(stored, next) {
			return stored, true, nil
		}
	}
	return nil, false, errors.New("it could not be stored: others changed it every time; try again")
}
