package imappoll_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"golang.org/x/sync/errgroup"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/imappoll"
	"postroom/ingest/imappoll/imaptest"
	"postroom/internal/postgres"
	"postroom/internal/postgres/pgtest"
	"postroom/internal/vault"
	"postroom/tickets"
)

// A world is a server whose mailbox is tortured while a process of its own polls
// it, through a proxy that cuts connections.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	server  *imaptest.Dovecot
	cutter  *imaptest.Cutter
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

// mailState is what is known of a mail that was put into a polled folder.
type mailState struct {
	copies int  // further times that it was put into one
	owed   bool // it was there for longer than a poll
	folder string
}

const tortureUser = "berta"

var tortureFolders = []string{"INBOX", "Support"}

// Every mail that was in a polled folder for longer than one poll is in the ledger
// exactly once, whatever happens to server, network and ourselves.
func TestTorture(t *testing.T) {
	t.Parallel()
	rounds := 20
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		rounds = 200
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("POSTROOM_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("POSTROOM_SEED=%d", seed)
	w := newWorld(t, seed)
	for i := range rounds {
		start := time.Now()
		w.round(i)
		if testing.Verbose() {
			t.Logf("round %d: %v", i, time.Since(start).Round(time.Millisecond))
		}
		if t.Failed() {
			t.Fatalf("round %d, POSTROOM_SEED=%d, done so far: %v", i, seed, w.count)
		}
	}
	t.Logf("%d rounds, %d mails: %v", rounds, len(w.mails), w.count)
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), server: imaptest.NewDovecot(t, imaptest.Options{}), cfg: pgtest.Database(t),
		key: vault.NewKey(), valid: 1000, mails: map[string]*mailState{}, count: map[string]int{},
	}
	w.cutter = imaptest.NewCutter(t, w.server.Port)
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
	w.poller = imappoll.New(imappoll.Config{DB: w.db, Vault: v, Pipeline: w.pipe, Limits: tortureLimits()})
	w.server.Folder(tortureUser, "INBOX")
	w.connect()
	for _, f := range []string{"Support", "Elsewhere"} {
		if err := w.admin.Create(f, nil).Wait(); err != nil {
			t.Fatalf("create %s: %v", f, err)
		}
	}
	s := imappoll.Settings{
		Server:   imappoll.Server{Host: "127.0.0.1", Port: w.cutter.Port, Security: imappoll.None, Auth: imappoll.Password, Username: tortureUser},
		Password: imaptest.Password, PollEvery: time.Second, Enabled: true,
		Folders: []imappoll.FolderSetting{{Name: "INBOX"}, {Name: "Support"}},
	}
	if err := w.poller.Put(t.Context(), "test", ws.ID, mb.ID, s); err != nil {
		t.Fatal(err)
	}
	w.startChild()
	t.Cleanup(w.killChild)
	return w
}

func tortureLimits() imappoll.Limits {
	l := imappoll.DefaultLimits
	l.BackoffFirst, l.BackoffMost = 10*time.Millisecond, 150*time.Millisecond
	l.RefusedFirst, l.RefusedMost = 50*time.Millisecond, 200*time.Millisecond
	l.RetryFirst, l.RetryMost = 200*time.Millisecond, time.Second
	l.Look, l.Report, l.Lease = 100*time.Millisecond, 50*time.Millisecond, time.Second
	l.CheckEvery, l.Chunk = 3*time.Second, 7
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

type childConfig struct {
	DB  postgres.Config
	Key string
}

// startChild starts a process that polls and carries mail on.
func (w *world) startChild() {
	w.t.Helper()
	c, err := json.Marshal(childConfig{w.cfg, w.key})
	if err != nil {
		w.t.Fatal(err)
	}
	w.child = exec.Command(os.Args[0], "-test.run=^TestTortureChild$", "-test.count=1")
	w.child.Env = append(os.Environ(), "POSTROOM_IMAP_CHILD="+string(c))
	w.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: 0}
	if os.Getenv("POSTROOM_VERBOSE") != "" {
		w.child.Stdout, w.child.Stderr = os.Stderr, os.Stderr
	}
	if err := w.child.Start(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) killChild() {
	_ = w.child.Process.Kill()
	_ = w.child.Wait()
}

// TestTortureChild is the process that TestTorture starts.
func TestTortureChild(t *testing.T) {
	env := os.Getenv("POSTROOM_IMAP_CHILD")
	if env == "" {
		t.Skip("started by TestTorture")
	}
	slog.SetLogLoggerLevel(slog.LevelWarn)
	var c childConfig
	if err := json.Unmarshal([]byte(env), &c); err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // a parent that has gone takes its child along
		for os.Getppid() != 1 {
			time.Sleep(time.Second)
		}
		os.Exit(1)
	}()
	db, v, _, pipe := assemble(t, c.DB, c.Key)
	poller := imappoll.New(imappoll.Config{DB: db, Vault: v, Pipeline: pipe, Limits: tortureLimits()})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pipe.Run(gctx) })
	g.Go(func() error { return poller.Run(gctx) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// connect logs the torturer in, past the proxy.
func (w *world) connect() {
	w.t.Helper()
	if w.admin != nil {
		_ = w.admin.Close()
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := imapclient.DialInsecure(net.JoinHostPort("127.0.0.1", strconv.Itoa(w.server.Port)), nil)
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
	for range 4 + w.rnd.IntN(8) {
		acts[w.rnd.IntN(len(acts))]()
		if w.t.Failed() {
			return
		}
		time.Sleep(time.Duration(w.rnd.IntN(60)) * time.Millisecond)
	}
	switch n % 5 {
	case 1:
		w.restart()
	case 3:
		w.renumber()
	}
	w.cutter.Cut(nil)
	w.cutter.CutAll()
	w.settle()
	w.compare()
}

func (w *world) newMail(folder string) string {
	w.counter++
	subject := fmt.Sprintf("torture %d", w.counter)
	head := "From: Berta <berta@example.test>\nSubject: " + subject + "\n"
	if w.rnd.IntN(2) == 0 {
		head += fmt.Sprintf("Message-ID: <t%d@torture.test>\nDate: Mon, 02 Nov 2026 10:00:00 +0100\n", w.counter)
	}
	w.mails[subject] = &mailState{folder: folder}
	return head + "\n" + strings.Repeat(subject+"\n", 1+w.rnd.IntN(200))
}

func (w *world) folder() string { return tortureFolders[w.rnd.IntN(len(tortureFolders))] }

func (w *world) deliver() {
	folder := w.folder()
	for range 1 + w.rnd.IntN(12) {
		w.server.Deliver(tortureUser, folder, w.newMail(folder))
	}
	w.did("deliver")
}

func (w *world) appendSome() {
	folder := w.folder()
	for range 1 + w.rnd.IntN(5) {
		raw := strings.ReplaceAll(w.newMail(folder), "\n", "\r\n")
		c := w.admin.Append(folder, int64(len(raw)), nil)
		_, werr := c.Write([]byte(raw))
		cerr := c.Close()
		if _, err := c.Wait(); werr != nil || cerr != nil || err != nil {
			w.t.Errorf("append: %v %v %v", werr, cerr, err)
		}
	}
	w.did("append")
}

// pick opens a folder and returns some of its mails with their subjects.
func (w *world) pick(folder string, n int) map[imap.UID]string {
	picked := map[imap.UID]string{}
	data, err := w.admin.Select(folder, nil).Wait()
	if err != nil {
		w.t.Errorf("select %s: %v", folder, err)
		return nil
	}
	if data.NumMessages == 0 {
		return nil
	}
	var set imap.SeqSet
	for range n {
		set.AddNum(1 + uint32(w.rnd.IntN(int(data.NumMessages))))
	}
	list, err := w.admin.Fetch(set, &imap.FetchOptions{UID: true, Envelope: true}).Collect()
	if err != nil {
		w.t.Errorf("fetch: %v", err)
	}
	for _, m := range list {
		if m.Envelope != nil && m.UID != 0 {
			picked[m.UID] = m.Envelope.Subject
		}
	}
	return picked
}

func uidSet(picked map[imap.UID]string) imap.UIDSet {
	var set imap.UIDSet
	for u := range picked {
		set.AddNum(u)
	}
	return set
}

func (w *world) flag() {
	if picked := w.pick(w.folder(), 5); len(picked) > 0 {
		flags := []imap.Flag{imap.FlagSeen, imap.FlagFlagged}
		if err := w.admin.Store(uidSet(picked), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: flags}, nil).Close(); err != nil {
			w.t.Errorf("store: %v", err)
		}
		w.did("flag")
	}
}

func (w *world) expunge() {
	picked := w.pick(w.folder(), 2)
	if len(picked) == 0 {
		return
	}
	if err := w.admin.Store(uidSet(picked), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		w.t.Errorf("store: %v", err)
	}
	if err := w.admin.UIDExpunge(uidSet(picked)).Close(); err != nil {
		w.t.Errorf("expunge: %v", err)
	}
	for _, s := range picked {
		w.mails[s].folder = ""
	}
	w.did("expunge")
}

// move puts mails into another polled folder: the same content under another UID.
func (w *world) move() {
	from := w.folder()
	to := tortureFolders[0]
	if from == to {
		to = tortureFolders[1]
	}
	if picked := w.pick(from, 2); len(picked) > 0 {
		if _, err := w.admin.Move(uidSet(picked), to).Wait(); err != nil {
			w.t.Errorf("move: %v", err)
		}
		for _, s := range picked {
			w.mails[s].folder, w.mails[s].copies = to, w.mails[s].copies+1
		}
		w.did("move")
	}
}

func (w *world) cut() {
	w.cutter.CutAll()
	w.did("cut")
}

// kill ends the polling process as a power failure does, and starts it again.
func (w *world) kill() {
	w.killChild()
	w.startChild()
	w.did("kill")
}

// rename takes a polled folder away and brings it back, or puts an empty one in
// its place for a while.
func (w *world) rename() {
	do := func(what string, err error) {
		if err != nil {
			w.t.Errorf("%s: %v", what, err)
		}
	}
	_ = w.admin.Unselect().Wait()
	do("rename", w.admin.Rename("Support", "Away", nil).Wait())
	between := w.rnd.IntN(2) == 0
	if between {
		do("create", w.admin.Create("Support", nil).Wait())
	}
	time.Sleep(time.Duration(w.rnd.IntN(150)) * time.Millisecond)
	if between {
		do("delete", w.admin.Delete("Support").Wait())
	}
	do("rename back", w.admin.Rename("Away", "Support", nil).Wait())
	w.did("rename")
}

func (w *world) restart() {
	w.server.Stop()
	w.server.Start()
	w.connect()
	w.did("restart")
}

// renumber gives a folder another UIDVALIDITY, or the same and lower UIDs.
func (w *world) renumber() {
	w.server.Stop()
	if w.rnd.IntN(3) > 0 {
		w.valid++
	}
	w.server.Renumber(tortureUser, w.folder(), w.valid)
	w.server.Start()
	w.connect()
	w.did("renumber")
}

// settle waits until a poll has begun and ended well since now.
func (w *world) settle() {
	from := time.Now()
	for deadline := from.Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a, err := w.poller.Account(w.t.Context(), w.box.Workspace, w.box.Mailbox)
		if err != nil {
			w.t.Fatalf("account: %v", err)
		}
		if a.PolledAt != nil && a.PolledAt.After(from.Add(1200*time.Millisecond)) && a.State == imappoll.Watching {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not polled well for %v: %+v\n%s", time.Since(from), a.Status, tail(w.server.Log()))
		}
	}
	for _, m := range w.mails {
		if m.folder != "" {
			m.owed = true
		}
	}
}

func tail(s string) string {
	if len(s) > 3000 {
		return s[len(s)-3000:]
	}
	return s
}

func (w *world) compare() {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		l, err := w.pipe.Ledger(w.t.Context(), w.box.Workspace)
		if err != nil {
			w.t.Fatal(err)
		}
		if l.Waiting[ingest.Received]+l.Waiting[ingest.Parsed]+l.Waiting[ingest.Scored] == 0 {
			if !l.Balances() {
				w.t.Errorf("the ledger does not balance: %+v", l)
			}
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("mails still wait: %+v", l)
		}
	}
	list, err := w.pipe.Messages(w.t.Context(), w.box.Workspace, ingest.MessageFilter{Limit: 1_000_000})
	if err != nil {
		w.t.Fatal(err)
	}
	first, all := map[string]int{}, map[string]int{}
	for _, m := range list {
		if all[m.Subject]++; m.Stage != ingest.Duplicate {
			first[m.Subject]++
		}
	}
	for s, m := range w.mails {
		switch {
		case m.owed && first[s] != 1:
			w.t.Errorf("%q is in the ledger %d times, not once (%d with duplicates): %+v", s, first[s], all[s], *m)
		case first[s] > 1 || all[s] > 1+m.copies:
			w.t.Errorf("%q is in the ledger %d times, %d with duplicates; it was put %d times into a folder", s, first[s], all[s], 1+m.copies)
		}
	}
	w.reconcile()
}

func (w *world) reconcile() {
	var list []imappoll.Reconciliation
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if list, err = w.poller.Reconcile(w.t.Context(), w.box.Workspace, w.box.Mailbox); err != nil {
			w.t.Fatalf("reconcile: %v", err)
		}
		good := true
		for _, r := range list {
			good = good && r.Agrees() && r.Pending == 0
		}
		if good {
			return
		}
		if time.Now().After(deadline) {
			w.t.Errorf("server and ledger differ: %+v", list)
			return
		}
	}
}

// A connection that breaks after any number of octets costs no mail, and doubles
// none.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, imaptest.Options{})
	cutter := imaptest.NewCutter(t, d.server.Port)
	p := imappoll.New(d.config())
	s := d.settings()
	s.Port = cutter.Port
	d.put(p, s)
	d.server.Deliver(d.user, "INBOX", mails(0, 3)...)
	d.once(p)
	d.server.Deliver(d.user, "INBOX", mails(3, 3)...)
	cutter.Sent()
	d.once(p)
	time.Sleep(50 * time.Millisecond)
	total, step := cutter.Sent(), int64(41)
	if os.Getenv("POSTROOM_CHAOS") == "long" {
		step = 1
	}
	n := 6
	for at := int64(0); at < total; at += step {
		d.server.Deliver(d.user, "INBOX", mails(n, 3)...)
		n += 3
		cutter.Cut(func() int64 { return at })
		_, _ = p.PollOnce(t.Context(), d.Workspace, d.Mailbox, nil) // it fails, mostly
	}
	cutter.Cut(nil)
	d.once(p)
	d.Settled(n)
	d.agrees(p)
	t.Logf("cut at %d offsets of %d", (total+step-1)/step, total)
}
