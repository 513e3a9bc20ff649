package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"testing"

	"github.com/google/uuid"
)

var sizes = []struct {
	name string
	n    int
}{{"8KiB", 8 << 10}, {"1MiB", 1 << 20}}

func gcm(b *testing.B) cipher.AEAD {
	b.Helper()
	key := make([]byte, keySize)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// plain is AES-GCM of the standard library, doing by hand what Seal does.
func BenchmarkSeal(b *testing.B) {
	row, g, bx := []byte("message/0190a6b0-raw"), gcm(b), box(b, New(newMaster(b, NewKey()), newMemory()), uuid.New())
	for _, size := range sizes {
		text := make([]byte, size.n)
		b.Run(size.name+"/vault", func(b *testing.B) {
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bx.Seal(text, row); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(size.name+"/plain", func(b *testing.B) {
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				out := make([]byte, 12, 12+size.n+16)
				rand.Read(out)
				g.Seal(out, out, text, row)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	row, g, bx := []byte("message/0190a6b0-raw"), gcm(b), box(b, New(newMaster(b, NewKey()), newMemory()), uuid.New())
	for _, size := range sizes {
		text, nonce := make([]byte, size.n), make([]byte, 12)
		sealed, err := bx.Seal(text, row)
		if err != nil {
			b.Fatal(err)
		}
		plain := g.Seal(nil, nonce, text, row)
		b.Run(size.name+"/vault", func(b *testing.B) {
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bx.Open(sealed, row); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(size.name+"/plain", func(b *testing.B) {
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Open(make([]byte, 0, size.n), nonce, plain, row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBox(b *testing.B) {
	v, w := New(newMaster(b, NewKey()), newMemory()), uuid.New()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Box(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
}
