package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const (
	keyLabel    = "postroom-key-1:"         // opens every line of a key text
	idLabel     = "postroom master key id:" // what is hashed before the key to name it
	keysetLabel = "postroom-keyset-1:"      // opens every wrapped keyset

	keySize = 32 // bytes, AES-256
	idSize  = 8  // hex digits
)

// Master holds the master keys that wrap the keysets of workspaces: the first wraps, all of them unwrap. It is made by
// LoadMaster, is safe for use by many goroutines, and prints as •••.
type Master struct {
	hidden
	keys []masterKey // never empty
}

type masterKey struct {
	id   string
	aead tink.AEAD
}

// ID names the master key that wraps: 8 hex digits, no secret, the same wherever this key is named.
func (m *Master) ID() string { return m.keys[0].id }

// NewKey returns a new random master key as one line of a key text, without the line's end. It is a secret.
func NewKey() string {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	return keyLabel + base64.RawURLEncoding.EncodeToString(key)
}

// parseMaster reads a key text: one key per line, empty lines and lines that open with # are skipped. Its errors tell the
// line's number and never its content.
func parseMaster(text string) (*Master, error) {
	m := &Master{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d %w", n, err)
		}
		m.keys = append(m.keys, key)
	}
	if len(m.keys) == 0 {
		return nil, errors.New("it holds no key; a key is a line of the form " + keyLabel + "<32 bytes in base64url>")
	}
	return m, nil
}

func parseKey(line string) (masterKey, error) {
	text, ok := strings.CutPrefix(line, keyLabel)
	if !ok {
		return masterKey{}, errors.New("does not begin with " + keyLabel + "; give the whole line as it was made")
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSuffix(text, "="))
	if err != nil || len(key) != keySize {
		return masterKey{}, fmt.Errorf("is not a whole key: after %s it has %d characters, a key has %d of A-Z a-z 0-9 - _; copy it again",
			keyLabel, len(text), base64.RawURLEncoding.EncodedLen(keySize))
	}
	defer clear(key)
	sum := sha256.Sum256(append([]byte(idLabel), key...))
	a, err := newMasterAEAD(key)
	if err != nil {
		return masterKey{}, fmt.Errorf("is no usable key: %w", err)
	}
	return masterKey{id: hex.EncodeToString(sum[:])[:idSize], aead: a}, nil
}

func newMasterAEAD(key []byte) (tink.AEAD, error) {
	p, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: keySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, err
	}
	k, err := aesgcm.NewKey(secretdata.NewBytesFromData(key, insecuresecretdataaccess.Token{}), 0, p)
	if err != nil {
		return nil, err
	}
	return aesgcm.NewAEAD(k)
}

// wrap seals the keyset of a workspace under the first master key, as
//
//	postroom-keyset-1:<id of the master key, 8 hex>:<Tink EncryptedKeyset, binary>
//
// with the text up to the second colon and the workspace as additional data.
func (m *Master) wrap(workspace uuid.UUID, h *keyset.Handle) ([]byte, error) {
	k := m.keys[0]
	out := bytes.NewBufferString(keysetLabel + k.id + ":")
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(out), k.aead, wrapData(k.id, workspace)); err != nil {
		return nil, fmt.Errorf("wrap under master key %s: %w", k.id, err)
	}
	return out.Bytes(), nil
}

// unwrap opens what wrap made, under whichever master key it names.
func (m *Master) unwrap(workspace uuid.UUID, wrapped []byte) (*keyset.Handle, error) {
	id, body, err := splitWrapped(wrapped)
	if err != nil {
		return nil, err
	}
	known := false
	for _, k := range m.keys {
		if k.id != id {
			continue
		}
		known = true
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(body)), k.aead, wrapData(id, workspace))
		if err == nil {
			return h, nil
		}
	}
	if known {
		return nil, fmt.Errorf("it does not open under master key %s: it was altered, or is another workspace's; restore it from a backup", id)
	}
	return nil, fmt.Errorf("it needs master key %s, which is not among the keys given (%s): add that key's line to POSTROOM_KEY or to the key file",
		id, m.ids())
}

func (m *Master) ids() string {
	ids := make([]string, len(m.keys))
	for i, k := range m.keys {
		ids[i] = k.id
	}
	return strings.Join(ids, ", ")
}

func wrapData(id string, workspace uuid.UUID) []byte {
	return append([]byte(keysetLabel+id+":"), workspace[:]...)
}

func splitWrapped(wrapped []byte) (id string, body []byte, err error) {
	rest, ok := bytes.CutPrefix(wrapped, []byte(keysetLabel))
	if !ok || len(rest) <= idSize || rest[idSize] != ':' {
		return "", nil, errors.New("what is stored is no wrapped keyset, or of a newer version: restore it from a backup, or run the newer version")
	}
	return string(rest[:idSize]), rest[idSize+1:], nil
}
