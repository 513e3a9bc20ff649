package mail

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// A torment is how much is made of each message of the corpora.
type torment struct {
	cuts, flips, joins int
	every              int // of the messages; 1 is all
}

// TestTorture cuts every message of the corpora at random places, flips bytes of it, and joins it to another. What comes out is read
// without error and keeps the promises of this package. POSTROOM_TORTURE=long makes 200 cuts, 20 flipped copies and 5 joins of
// each message; the short form a few of every third. The seed is fixed, so that a find can be found again.
func TestTorture(t *testing.T) {
	t.Parallel()
	how := torment{cuts: 6, flips: 2, joins: 1, every: 3}
	if os.Getenv("POSTROOM_TORTURE") == "long" {
		how = torment{cuts: 200, flips: 20, joins: 5, every: 1}
	}
	random := rand.New(rand.NewPCG(1, 2))
	var pool [][]byte
	seen, made := 0, 0
	var slowest time.Duration
	eachMail(t, corpora(t), func(name string, raw []byte) {
		if pool = append(pool, raw); len(pool) > 50 {
			pool = pool[1:]
		}
		if seen++; seen%how.every != 0 {
			return
		}
		how.damage(random, raw, pool, func(bad []byte) {
			made++
			start := time.Now()
			m, err := Parse(bad, Budget{})
			slowest = max(slowest, time.Since(start))
			problem := unsound(m)
			if err == nil && problem == "" {
				return
			}
			t.Errorf("%s, damaged: error %v, %s", name, err, problem)
			if dir := os.Getenv("POSTROOM_TORTURE_FINDS"); dir != "" {
				if err := os.WriteFile(dir+"/find.eml", bad, 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	})
	t.Logf("%d messages made of %d, none took longer than %v", made, seen/how.every, slowest)
}

// damage calls try with everything that is made of raw.
func (how torment) damage(random *rand.Rand, raw []byte, others [][]byte, try func([]byte)) {
	for range how.cuts {
		try(raw[:random.IntN(len(raw)+1)])
	}
	for range how.flips {
		flipped := bytes.Clone(raw)
		for range len(flipped)/200 + 1 {
			if len(flipped) > 0 {
				flipped[random.IntN(len(flipped))] = byte(random.Uint32())
			}
		}
		try(flipped)
	}
	for range how.joins {
		other := others[random.IntN(len(others))]
		try(slices.Concat(other[:random.IntN(len(other)+1)], raw[random.IntN(len(raw)+1):]))
	}
}

// TestWithinBudget reads what is larger than any mail that people write, within the default budget.
func TestWithinBudget(t *testing.T) {
	for name, raw := range giants() {
		start := time.Now()
		m, err := Parse(raw, Budget{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if problem := unsound(m); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
		t.Logf("%s: %d KiB, %d parts, %v", name, len(raw)>>10, len(m.Parts), time.Since(start).Round(time.Millisecond))
	}
}

// giants are the messages that must be read whatever they are.
func giants() map[string][]byte {
	var parts bytes.Buffer
	parts.WriteString(mixedHead)
	for range 10_000 {
		parts.WriteString("--b\nContent-Type: text/plain\n\nA part.\n")
	}
	parts.WriteString("--b--\n")
	return map[string][]byte{
		"20,000 links":     filled(htmlHead, `<a href="http://x.example/1">link</a> `, 20_000*38),
		"10 MB of HTML":    filled(htmlHead, `<p style="color:red">Some <b>words</b> to read.</p>`+"\n", 10<<20),
		"10,000 parts":     parts.Bytes(),
		"depth 1,000":      nestedMail(1 << 10),
		"1 MB header":      filled("From: a@b.example\n", "X-Filler: some words that say nothing at all\n", 1<<20),
		"1 MB field":       filled("From: a@b.example\nSubject: ", "word ", 1<<20),
		"a 10 MB line":     filled("From: a@b.example\n\n", "word ", 10<<20),
		"10 MB in UTF-16":  filled("From: a@b.example\nContent-Type: text/plain; charset=utf-16le\n\n", "w\x00o\x00", 10<<20),
		"10 MB in Latin-1": filled("From: a@b.example\nContent-Type: text/plain; charset=iso-8859-1\n\n", "Gr\xfc\xdfe ", 10<<20),
		"10 MB encoded":    filled("From: a@b.example\nContent-Type: text/html; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n", "<p>=D0=D2=C9=D7=C5=D4\n", 10<<20),
	}
}
