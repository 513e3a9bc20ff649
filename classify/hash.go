package classify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/google/uuid"
)

// A hashKey turns tokens into feature ids. It differs per workspace, so that a table of weights says nothing without
// the secret, and nobody outside can craft words that collide.
type hashKey struct{ k0, k1 uint64 }

func newHashKey(secret []byte, workspace uuid.UUID) hashKey {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("postroom classify features 1"))
	mac.Write(workspace[:])
	sum := mac.Sum(nil)
	return hashKey{binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])}
}

// word hashes a token with SipHash-1-3 (Aumasson and Bernstein 2012, with fewer rounds) and keeps the upper 32 bits.
func (k hashKey) word(b []byte) uint32 {
	s := sip{k.k0 ^ 0x736f6d6570736575, k.k1 ^ 0x646f72616e646f6d, k.k0 ^ 0x6c7967656e657261, k.k1 ^ 0x7465646279746573}
	tail := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		m := binary.LittleEndian.Uint64(b)
		s.v3 ^= m
		s.round()
		s.v0 ^= m
	}
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	s.v3 ^= tail
	s.round()
	s.v0 ^= tail
	s.v2 ^= 0xff
	s.round()
	s.round()
	s.round()
	return uint32((s.v0 ^ s.v1 ^ s.v2 ^ s.v3) >> 32)
}

// gram hashes four bytes and the place they stand in. A mail has thousands of them and the result is never shown, so
// two keyed multiplications stand in for SipHash; the id keeps gramBits bits.
func (k hashKey) gram(g uint32, place uint64) uint32 {
	hi, lo := bits.Mul64(uint64(g)^place<<32^k.k0, k.k1|1)
	hi, lo = bits.Mul64(hi^lo^k.k1, k.k0|1)
	return uint32((hi^lo)>>32) &^ (1<<(32-gramBits) - 1)
}

// gramBits is the part of a character pattern's id that counts: 22 bits tell 4 million patterns apart and cost two
// bytes each in the journal.
const gramBits = 22

type sip struct{ v0, v1, v2, v3 uint64 }

func (s *sip) round() {
	s.v0 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
	s.v0 = bits.RotateLeft64(s.v0, 32)
	s.v2 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
	s.v0 += s.v3
	s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
	s.v2 += s.v1
	s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
	s.v2 = bits.RotateLeft64(s.v2, 32)
}
