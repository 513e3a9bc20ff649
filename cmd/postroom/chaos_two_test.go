package main_test

import (
	"context"
	"testing"
	"time"

	"postroom/internal/postgres"
	"postroom/internal/vault"
)

// TestTwoProcesses has two servers share one database and kills one of them under
// load, again and again. The other carries on, with what the dead one had in hand
// too, once its leases have run out.
func TestTwoProcesses(t *testing.T) {
	rng := chaos(t)
	cluster, err := postgres.StartCluster(t.Context(), postgres.ClusterConfig{Dir: newDir(t, "shared")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	key := "POSTROOM_KEY=" + vault.NewKey()
	pair := [2]*server{}
	for i := range pair {
		pair[i] = newServer(t, newDir(t, "data"), "--database", cluster.Config().OwnerURL, "--lease", "5s")
		pair[i].env = []string{key}
		pair[i].start()
	}
	steady, mortal := pair[0], pair[1]
	steady.waitReady()
	mortal.waitReady()
	mailbox := steady.newMailbox("support@two.test")
	load := newLoad(t, mailbox.address, makeLetters(rng, choose(2_000, 20_000)))
	load.start(8, rng.Uint64(), false, steady.smtp, mortal.smtp)

	kills := choose(5, 50)
	for range kills {
		mortal.waitReady()
		load.offer(upTo(rng, time.Second), 10*time.Millisecond)
		load.offerNow(150)
		time.Sleep(upTo(rng, 60*time.Millisecond))
		mortal.kill()
		load.offer(time.Second/2, 10*time.Millisecond)
		mortal.start()
	}
	mortal.waitReady()
	load.offerNow(len(load.letters))
	time.Sleep(upTo(rng, 100*time.Millisecond))
	mortal.kill() // and stays away: the other must finish all
	load.finish(90 * time.Second)
	t.Logf("%d kills; %s", kills+1, load)
	mailbox.waitIdle(2 * time.Minute)
	mailbox.check(load.letters)
	load.checkRefusals()
	steady.checkDoctor()
	steady.stop()
}
