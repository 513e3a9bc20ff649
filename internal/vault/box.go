package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const (
	tinkPrefix = 1                // first byte of sealed bytes; the data key's id follows, four bytes, big endian
	idEnd      = 5                // length of both
	reloadWait = 10 * time.Second // for the Store, when Open meets a data key it does not know
)

// ErrSealed is returned by Open for bytes that are not what Seal made for this row: altered, cut, moved from another row or
// workspace, or sealed with a data key that the workspace's keyset does not hold. Trying again does not help.
var ErrSealed = errors.New("sealed bytes do not open: they were altered, or sealed for another row or workspace")

// Box seals and opens the bytes of one workspace. It is made by Vault.Box and safe for use by many goroutines.
type Box struct {
	hidden
	vault     *Vault
	workspace uuid.UUID

	keys atomic.Pointer[dataKeys]
	// turn holds a token while the keys are being read or changed; a channel, so that waiting ends with the context. Keys are
	// read from the Store and set in one turn, so they never go back to an older keyset.
	turn chan struct{}
}

// dataKeys is a keyset as it was read at one time.
type dataKeys struct {
	aead tink.AEAD
	ids  map[uint32]struct{}
	read time.Time
}

// Seal encrypts plain and binds it to the workspace and to row, the identity of the row it will be stored in; Open needs
// the same row. The result is 33 bytes longer than plain, which is left as it was.
func (b *Box) Seal(plain, row []byte) ([]byte, error) {
	sealed, err := b.keys.Load().aead.Encrypt(plain, b.bind(row))
	if err != nil {
		return nil, fmt.Errorf("seal %d bytes: %w", len(plain), err)
	}
	return sealed, nil
}

// Open decrypts what Seal made for row, or returns ErrSealed. When another process has sealed with a newer data key, it
// reads the keyset again, which can take up to ten seconds and end in an error of the Store's.
func (b *Box) Open(sealed, row []byte) ([]byte, error) {
	if len(sealed) < idEnd || sealed[0] != tinkPrefix {
		return nil, fmt.Errorf("workspace %s: no data key is named: %w", b.workspace, ErrSealed)
	}
	id := binary.BigEndian.Uint32(sealed[1:])
	k, err := b.keysWith(id)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Decrypt(sealed, b.bind(row))
	if err != nil { // Tink says no more than that
		return nil, fmt.Errorf("workspace %s, data key %08x: %w", b.workspace, id, ErrSealed)
	}
	return plain, nil
}

// bind returns the additional data: the workspace has a fixed length, so no two pairs look alike.
func (b *Box) bind(row []byte) []byte {
	data := make([]byte, 0, len(b.workspace)+len(row))
	return append(append(data, b.workspace[:]...), row...)
}

// keysWith returns keys that hold the data key id, after reading them again once if need be.
func (b *Box) keysWith(id uint32) (*dataKeys, error) {
	k := b.keys.Load()
	if k.has(id) {
		return k, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadWait)
	defer cancel()
	if err := b.lock(ctx); err != nil {
		return nil, fmt.Errorf("workspace %s: wait for data key %08x: %w", b.workspace, id, err)
	}
	defer b.unlock()
	if k = b.keys.Load(); k.has(id) {
		return k, nil
	}
	if _, err := b.settle(ctx, keep); err != nil {
		return nil, err
	}
	if k = b.keys.Load(); k.has(id) {
		return k, nil
	}
	return nil, fmt.Errorf("workspace %s: data key %08x is not in its keyset: %w", b.workspace, id, ErrSealed)
}

func (b *Box) fresh() bool {
	k := b.keys.Load()
	return k != nil && time.Since(k.read) < maxAge
}

func (b *Box) lock(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Box) unlock() { <-b.turn }

// settle brings the stored keyset to what e asks for and takes its keys; only for who has the turn.
func (b *Box) settle(ctx context.Context, e edit) (changed bool, err error) {
	read := time.Now()
	stored, changed, err := b.vault.swap(ctx, b.workspace, e)
	if err == nil && stored != nil {
		err = b.take(stored, read)
	}
	if err != nil {
		return false, fmt.Errorf("keyset of workspace %s: %w", b.workspace, err)
	}
	return changed, nil
}

func (b *Box) take(stored []byte, read time.Time) error {
	h, err := b.vault.master.unwrap(b.workspace, stored)
	if err != nil {
		return err
	}
	k, err := newDataKeys(h, read)
	if err != nil {
		return fmt.Errorf("it was unwrapped, but its data keys are not usable: %w", err)
	}
	b.keys.Store(k)
	return nil
}

func newDataKeys(h *keyset.Handle, read time.Time) (*dataKeys, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, err
	}
	k := &dataKeys{aead: a, ids: map[uint32]struct{}{}, read: read}
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return nil, err
		}
		k.ids[e.KeyID()] = struct{}{}
	}
	return k, nil
}

func (k *dataKeys) has(id uint32) bool {
	_, ok := k.ids[id]
	return ok
}
