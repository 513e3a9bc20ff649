package imappoll_test

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/oauthgmail"
	"postroom/tickets"
)

// A world is a server whose mailbox is tortured while a process of its own polls
// it, through a proxy that cuts connections.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	server  server
	port    int
	folders []string      // polled
	prefix  string        // of all folders but the first
	within  time.Duration // no round begins later; 0: all rounds are gone through
	cutter  *imaptest.Cutter
	limits  imappoll.Limits    // of the process that polls
	logins  *imaptest.Provider // of tokens that the server takes, if it takes any
	tokens  *oauthgmail.Service
	oauth   bool // the mailbox logs in by a token now
	cfg     postgres.Config
	key     string
	db      *postgres.DB
	poller  *imappoll.Poller // for its settings and its doctor: it polls nothing
	box     ingest.Route
	pipe    *ingest.Pipeline
	child   *exec.Cmd
	admin   *imapclient.Client
	counter int
	valid   uint32
	mails   map[string]*mailState // by subject
	count   map[string]int        // of what was done
}

// A server is what is tortured.
type server interface {
	Folder(user, folder string) string
	Deliver(user, folder string, mails ...string)
	Renumber(user, folder string, validity uint32)
	Start()
	Stop()
	Log() string
}

// mailState is what is known of a mail that was put into a polled folder.
type mailState struct {
	copies int  // further times that it was put into one
	owed   bool // it was there for longer than a poll
	folder string
}

const tortureUser = "berta@torture"

// Every mail that was in a polled folder for longer than one poll is in the ledger
// exactly once, whatever happens to server, network and ourselves.
func TestTorture(t *testing.T) {
	t.Parallel()
	provider := imaptest.NewProvider(t)
	d := imaptest.NewDovecot(t, imaptest.Options{Introspection: provider.Introspection()})
	w := &world{server: d, port: d.Port, logins: provider}
	torture(t, 20, w)
	if rotated, _ := provider.Rotated(); rotated == 0 || w.count["expire"] == 0 || w.count["withdraw"] == 0 {
		t.Errorf("%d tokens were renewed in %v; want expiry and withdrawal among what was done", rotated, w.count)
	}
}

// The same with a server that has little in common with the first: no MOVE, no
// CONDSTORE, all folders below INBOX.
func TestTortureCourier(t *testing.T) {
	t.Parallel()
	if os.Getenv("POSTROOM_CHAOS") != "long" {
		t.Skip("a round takes some ten seconds: POSTROOM_CHAOS=long")
	}
	c := imaptest.NewCourier(t)
	torture(t, 20, &world{server: c, port: c.Port, prefix: "INBOX.", within: courierWithin})
}

// courierWithin bounds the torture of Courier: it waits for seconds at each log-in
// and renaming, doing nothing.
const courierWithin = 25 * time.Minute

func torture(t *testing.T, rounds int, w *world) {
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		rounds *= 10
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("POSTROOM_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("POSTROOM_SEED=%d", seed)
	w.begin(t, seed, tortureLimits())
	w.startChild()
	t.Cleanup(w.killChild)
	done, begun := 0, time.Now()
	for ; done < rounds && (w.within == 0 || time.Since(begun) < w.within); done++ {
		i, start := done, time.Now()
		w.round(i)
		if testing.Verbose() {
			t.Logf("round %d: %v", i, time.Since(start).Round(time.Millisecond))
		}
		if t.Failed() {
			t.Fatalf("round %d, POSTROOM_SEED=%d, done so far: %v\n%s", i, seed, w.count, tail(w.server.Log()))
		}
	}
	t.Logf("%d rounds, %d mails: %v", done, len(w.mails), w.count)
}

func (w *world) begin(t *testing.T, seed uint64, limits imappoll.Limits) {
	w.t, w.rnd, w.cfg, w.limits = t, rand.New(rand.NewPCG(seed, 1)), pgtest.Database(t), limits
	w.key, w.valid, w.mails, w.count = vault.NewKey(), 1000, map[string]*mailState{}, map[string]int{}
	w.folders = []string{"INBOX", w.prefix + "Support"}
	w.cutter = imaptest.NewCutter(t, w.port)
	var desk *tickets.Desk
	var v *vault.Vault
	w.db, v, desk, w.pipe = assemble(t, w.cfg, w.key)
	ws, err := desk.CreateWorkspace(t.Context(), "test", "Test")
	if err != nil {
		t.Fatal(err)
	}
	mb, err := desk.CreateMailbox(t.Context(), ws.ID, "test", "support@torture.test", "")
	if err != nil {
		t.Fatal(err)
	}
	w.box = ingest.Route{Workspace: ws.ID, Mailbox: mb.ID}
	w.tokens = oauthgmail.New(oauthgmail.Config{DB: w.db, Vault: v})
	w.poller = imappoll.New(imappoll.Config{DB: w.db, Vault: v, Pipeline: w.pipe, Tokens: w.tokens, Limits: limits})
	w.server.Folder(tortureUser, "INBOX")
	w.connect()
	for _, f := range []string{"Support", "Elsewhere"} {
		if err := w.admin.Create(w.prefix+f, nil).Wait(); err != nil {
			t.Fatalf("create %s: %v", f, err)
		}
	}
	w.register()
	w.put()
}

func tortureLimits() imappoll.Limits {
	l := imappoll.DefaultLimits
	l.BackoffFirst, l.BackoffMost = 10*time.Millisecond, 150*time.Millisecond
	l.RefusedFirst, l.RefusedMost = 50*time.Millisecond, 200*time.Millisecond
	l.RetryFirst, l.RetryMost = 200*time.Millisecond, time.Second
	l.Look, l.Report, l.Lease = 100*time.Millisecond, 50*time.Millisecond, time.Second
	l.CheckEvery, l.DoubtEvery, l.Chunk = 3*time.Second, 0, 7
	return l
}

// assemble makes what the product is made of.
func assemble(t testing.TB, cfg postgres.Config, key string) (*postgres.DB, *vault.Vault, *tickets.Desk, *ingest.Pipeline) {
	t.Helper()
	db, err := postgres.Connect(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	master, _, err := vault.LoadMaster(vault.Source{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	v, desk := vault.New(master, postgres.Keysets{DB: db}), tickets.New(db)
	limits := ingest.DefaultLimits
	limits.Lease, limits.Poll = time.Second, 20*time.Millisecond
	p := ingest.New(ingest.Config{
		DB: db, Vault: v, Filter: classify.New(db, classify.Config{Secret: []byte("the secret of a test")}), Desk: desk, Works: true, Limits: limits,
	})
	return db, v, desk, p
}

// connect logs the torturer in, past the proxy.
func (w *world) connect() {
	w.t.Helper()
	if w.admin != nil {
		_ = w.admin.Close()
	}
	for deadline := time.Now().Add(time.Minute); ; {
		c, err := imapclient.DialInsecure(net.JoinHostPort("127.0.0.1", strconv.Itoa(w.port)), nil)
		if err == nil {
			if err = c.Login(tortureUser, imaptest.Password).Wait(); err == nil {
				w.admin = c
				return
			}
			_ = c.Close()
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("log in: %v\n%s", err, w.server.Log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *world) did(what string) { w.count[what]++ }

// round does some harm, then leaves the mailbox alone until it was polled well,
// and compares.
func (w *world) round(n int) {
	cuts := rand.New(rand.NewPCG(w.rnd.Uint64(), 2)) // of its own: connections come when they come
	w.cutter.Cut(func() int64 {
		if cuts.IntN(4) == 0 {
			return -1
		}
		return cuts.Int64N(int64(1) << (8 + cuts.IntN(9)))
	})
	acts := []func(){
		w.deliver, w.deliver, w.deliver, w.appendSome, w.appendSome, w.flag, w.flag, w.expunge, w.expunge,
		w.move, w.cut, w.cut, w.kill, w.rename,
	}
	if w.logins != nil && w.rnd.IntN(3) == 0 {
		w.logIn(!w.oauth)
	}
	if w.oauth {
		acts = append(acts, w.expire, w.expire, w.shorten, w.withdraw)
	}
	for range 4 + w.rnd.IntN(8) {
		acts[w.rnd.IntN(len(acts))]()
		if w.t.Failed() {
			return
		}
		time.Sleep(time.Duration(w.rnd.IntN(60)) * time.Millisecond)
	}
	switch n % 5 { // what no seed may leave out
	case 1:
		w.restart()
	case 2:
		w.lose(w.withdraw)
	case 3:
		w.renumber()
	case 4:
		w.lose(w.expire)
	}
	w.cutter.Cut(nil)
	w.cutter.CutAll()
	w.settle()
	w.compare()
}
