package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
)

func TestKeyText(t *testing.T) {
	t.Parallel()
	key := NewKey()
	body := strings.TrimPrefix(key, keyLabel)
	tests := []struct {
		name, text, want string // want: in the error; none when empty
	}{
		{"one line", key, ""},
		{"comment, blank lines, CRLF, padding", "# made in May\r\n\r\n  " + key + "=\r\n", ""},
		{"empty", " \n# nothing\n", "holds no key"},
		{"no label", body, "line 1 does not begin with " + keyLabel},
		{"later version", "postroom-key-2:" + body, "line 1 does not begin"},
		{"second line cut", key + "\n" + key[:40], "line 2 is not a whole key"},
		{"too long", key + "AAAA", "is not a whole key"},
		{"standard alphabet", keyLabel + "+" + body[1:], "is not a whole key"},
		{"bits to spare", keyLabel + strings.Repeat("A", 42) + "B", "is not a whole key"},
		{"a word behind it", key + " old", "is not a whole key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseMaster(tt.text)
			if tt.want == "" {
				if err != nil || m.ID() != newMaster(t, key).ID() {
					t.Fatalf("parseMaster = %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("parseMaster = %v, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), body[:12]) || strings.Contains(err.Error(), body[13:25]) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// The id is written into every database: it must never change.
func TestKeyID(t *testing.T) {
	t.Parallel()
	m := newMaster(t, keyLabel+strings.Repeat("A", 43))
	if got, want := m.ID(), "5d0f57cb"; got != want {
		t.Errorf("ID of the zero key = %s, want %s", got, want)
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	t.Parallel()
	s, w, line := newMemory(), uuid.New(), NewKey()
	m := newMaster(t, line)
	v := New(m, s)
	b := box(t, v, w)
	values := map[string]any{
		"Master": m, "Vault": v, "Box": b, "Source": Source{Key: line},
		"String": m.String(), "GoString": b.GoString(),
		"*Master":  *m,
		"exported": struct{ M *Master }{m}, "unexported": struct{ m Master }{*m}, "pointer": struct{ m *Master }{m},
		"slice": []*Master{m}, "map": map[string]any{"m": m, "b": b, "v": v},
		"errors": keyErrors(t, s, w, line),
	}
	secrets := canaries(t, m, s.rows[w], w, line)
	for name, value := range values {
		for i, text := range renderings(t, value) {
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%s, rendering %d holds key bytes: %s", name, i, text)
				}
			}
			switch name {
			case "String", "GoString":
				if value != mask {
					t.Errorf("%s = %v, want %s", name, value, mask)
				}
			case "Master", "*Master", "Vault", "Box", "Source":
				if !strings.Contains(text, mask) {
					t.Errorf("%s, rendering %d = %s, want %s", name, i, text, mask)
				}
			}
		}
	}
}

func renderings(t *testing.T, value any) []string {
	t.Helper()
	var all []string
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %#x %d %o %b %c %U %e %t % x %08v") {
		all = append(all, fmt.Sprintf(verb, value))
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
	all = append(all, out.String())
	out.Reset()
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
	all = append(all, out.String())
	j, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, string(j))
}

func keyErrors(t *testing.T, s *memory, w uuid.UUID, line string) []string {
	t.Helper()
	_, parse := parseMaster(line + "\n" + line[1:])
	_, missing := New(newMaster(t, NewKey()), s).Box(t.Context(), w)
	v := New(newMaster(t, line), s)
	_, altered := box(t, v, w).Open(make([]byte, 99), nil)
	_, both, _ := LoadMaster(Source{Key: line, KeyFile: line})
	_, _, err := LoadMaster(Source{Key: line, KeyFile: "x"})
	joined := errors.Join(parse, missing, altered, err)
	if parse == nil || missing == nil || altered == nil || err == nil || both {
		t.Fatalf("an error is missing: %v", joined)
	}
	return []string{joined.Error(), fmt.Sprintf("%#v", joined)}
}

// canaries returns each key's bytes in the forms in which Go prints bytes, eight of them at a time.
func canaries(t *testing.T, m *Master, wrapped []byte, w uuid.UUID, line string) []string {
	t.Helper()
	text := strings.TrimPrefix(line, keyLabel)
	master, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	h, err := m.unwrap(w, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := h.Primary()
	if err != nil {
		t.Fatal(err)
	}
	data := entry.Key().(*aesgcm.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
	all := []string{text[:20], text[20:]}
	for _, key := range [][]byte{master, data} {
		for i := 0; i < len(key); i += 8 {
			part := key[i : i+8]
			for _, verb := range []string{"%x", "%X", "% x", "%d", "%o", "%b", "%U", "%s", "%q", "%#v"} {
				all = append(all, strings.Trim(fmt.Sprintf(verb, part), `[]"`))
			}
			all = append(all, base64.StdEncoding.EncodeToString(part)[:10])
		}
	}
	return all
}
