package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// The tests in the chaos files start real `postroom serve` processes and break
// what they stand on: the process itself, its database, its disk, its clock and
// its connections. `go test` runs a bounded version; with POSTROOM_CHAOS=long each
// goes on for longer (make chaos).

func TestMain(m *testing.M) {
	code := m.Run()
	stage.close(code == 0)
	os.Exit(code)
}

// long reports whether the long version was asked for.
func long() bool { return os.Getenv("POSTROOM_CHAOS") == "long" }

// choose returns the bounded or the long version of a number.
func choose[T any](bounded, extended T) T {
	if long() {
		return extended
	}
	return bounded
}

// chaos skips the test in short mode and returns its random numbers. Their seed is
// printed, and POSTROOM_CHAOS_SEED sets it: the decisions are then the same, though
// not the moments at which the processes meet them.
func chaos(t *testing.T) *rand.Rand {
	t.Helper()
	if testing.Short() {
		t.Skip("kills processes for a minute or more: not in short mode")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("POSTROOM_CHAOS_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatalf("POSTROOM_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("POSTROOM_CHAOS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// upTo returns a random part of d.
func upTo(rng *rand.Rand, d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }

// upAtMost is how long a server lives in TestZeroLoss before it is killed.
const upAtMost = 2 * time.Second

// TestZeroLoss kills the server, its database and its connections while mail
// comes in. Every mail that was answered 250 must be filed, once.
func TestZeroLoss(t *testing.T) {
	rng := chaos(t)
	kills, mails := choose(30, 200), choose(3_000, 20_000)
	srv := newServer(t, newDir(t, "data"))
	srv.startReady()
	mailbox := srv.newMailbox("support@zero-loss.test")
	cuts := newCutter(t, srv.smtp, rng.Uint64())
	load := newLoad(t, mailbox.address, makeLetters(rng, mails))
	load.start(8, rng.Uint64(), true, cuts.addr)

	// Half of upAtMost is the mean time between two kills.
	gap := time.Duration(kills) * upAtMost / 2 / time.Duration(mails)
	begun := time.Now()
	var databaseKills int
	for k := range kills {
		databaseKills += killOnce(srv, load, rng, gap)
		if k%5 == 4 {
			t.Logf("%3.0f s: %d kills of the server, %d of the database; %s", time.Since(begun).Seconds(), k+1, databaseKills, load)
		}
		srv.start()
	}
	srv.waitReady()
	load.finish(choose(60*time.Second, 10*time.Minute))
	t.Logf("%3.0f s: %d cut connections; %s", time.Since(begun).Seconds(), cuts.count.Load(), load)
	mailbox.waitIdle(3 * time.Minute)
	mailbox.check(load.letters)
	load.checkRefusals()
	srv.checkDoctor()
	srv.stop()
	srv.checkDoctor()
}

// killOnce offers mail for a random while and kills the server, which is starting
// or has started. It returns how many times it killed the database too.
func killOnce(srv *server, load *load, rng *rand.Rand, gap time.Duration) (databaseKills int) {
	if rng.IntN(7) == 0 {
		time.Sleep(upTo(rng, 600*time.Millisecond)) // starting
		srv.kill()
		return 0
	}
	srv.waitReady()
	if rng.IntN(4) == 0 {
		load.offer(upTo(rng, upAtMost/2), gap)
		srv.killDatabase()
		databaseKills++
	}
	if rng.IntN(3) == 0 {
		load.offer(upTo(rng, 40*time.Millisecond), 0) // as much as there are senders for
	} else {
		load.offer(upTo(rng, upAtMost), gap)
	}
	switch rng.IntN(6) {
	case 0:
		srv.killDatabase()
		databaseKills++
		srv.kill()
	case 1:
		srv.kill()
		srv.killDatabase()
		databaseKills++
	default:
		srv.kill()
	}
	return databaseKills
}

// TestKilledAtFirstStart kills the server while it makes its cluster, its schema
// and its keys. The next start must go on from whatever is there.
func TestKilledAtFirstStart(t *testing.T) {
	rng := chaos(t)
	for range choose(2, 20) {
		srv := newServer(t, newDir(t, "first"))
		for range 6 {
			srv.start()
			time.Sleep(upTo(rng, 1500*time.Millisecond))
			if rng.IntN(3) == 0 {
				srv.killDatabase()
			}
			srv.kill()
		}
		srv.startReady()
		mailbox := srv.newMailbox("support@first.test")
		load := newLoad(t, mailbox.address, makeLetters(rng, 20))
		load.start(2, rng.Uint64(), false, srv.smtp)
		load.finish(30 * time.Second)
		mailbox.waitIdle(time.Minute)
		mailbox.check(load.letters)
		srv.checkDoctor()
		srv.stop()
	}
}

// TestStoppedUnderLoad stops the server as an operator does, in the middle of
// mails. It must end cleanly, and those answered must be there afterwards.
func TestStoppedUnderLoad(t *testing.T) {
	rng := chaos(t)
	srv := newServer(t, newDir(t, "data"))
	srv.startReady()
	mailbox := srv.newMailbox("support@stopped.test")
	load := newLoad(t, mailbox.address, makeLetters(rng, choose(1_000, 10_000)))
	load.start(8, rng.Uint64(), false, srv.smtp)
	for range choose(5, 50) {
		load.offer(upTo(rng, time.Second), 10*time.Millisecond)
		load.offerNow(100)
		time.Sleep(upTo(rng, 40*time.Millisecond))
		begun := time.Now()
		srv.stop()
		t.Logf("stopped in %.1f s; %s", time.Since(begun).Seconds(), load)
		srv.startReady()
	}
	load.finish(90 * time.Second)
	t.Log(load)
	mailbox.waitIdle(2 * time.Minute)
	mailbox.check(load.letters)
	load.checkRefusals()
	srv.checkDoctor()
	srv.stop()
}
