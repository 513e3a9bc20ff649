package imappoll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"postroom/internal/alert"
)

// A mailbox is polled by one goroutine over one connection.
type mailbox struct {
	p        *Poller
	a        *Account
	uids     uidLedger
	slots    chan struct{}           // mails under way to their commit
	suspects map[suspect]int         // connections lost at a mail
	old      map[uuid.UUID]oldUIDs   // of folders that were numbered anew
	doubted  map[uuid.UUID]time.Time // when a folder was found to hold other mails
	nudged   chan struct{}           // somebody wants it polled now
	wakes    *rate.Limiter           // polls that the server's notices lead to
	wellOnce bool                    // its alerts were looked at since it began or failed
	lack     lack
	touched  atomic.Int64 // when it last got on, Unix nanoseconds

	usedMails, usedOctets atomic.Int64 // read by OAuth, and not yet noted

	mu       sync.Mutex
	status   Status
	behindBy map[uuid.UUID]int64
	taken    int64 // not yet reported
	dirty    bool
}

// A lack is a folder that cannot be polled while the others are.
type lack struct {
	err   error
	times int // that it could not, one after the other
	noted bool
}

// A server that tells of news without end has its mailbox polled so often, and no
// more.
const (
	wakesPerSecond = 4
	wakesAtOnce    = 16
)

func (p *Poller) newMailbox(a *Account) *mailbox {
	m := &mailbox{
		p: p, a: a, uids: uidLedger{&p.accounts, a.Workspace, a.Mailbox, a.fence},
		slots: make(chan struct{}, p.limits.InFlight), suspects: map[suspect]int{}, doubted: map[uuid.UUID]time.Time{}, nudged: make(chan struct{}, 1),
		wakes:  rate.NewLimiter(wakesPerSecond, wakesAtOnce),
		status: a.Status, behindBy: map[uuid.UUID]int64{},
	}
	m.touch()
	return m
}

func (m *mailbox) touch() { m.touched.Store(time.Now().UnixNano()) }

func (m *mailbox) log(ctx context.Context, msg string, args ...any) {
	slog.WarnContext(ctx, msg, append([]any{"mailbox", m.a.Mailbox, "host", m.a.Host}, args...)...)
}

// set changes the status; the supervisor writes it.
func (m *mailbox) set(change func(*Status)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.status.State
	change(&m.status)
	if m.status.State != before {
		m.status.StateAt = time.Now()
	}
	m.dirty = true
}

func (m *mailbox) state(s State) { m.set(func(st *Status) { st.State = s }) }

// behind says how many mails of a folder are still to be taken.
func (m *mailbox) behind(f *Folder, n int) {
	m.touch()
	m.set(func(st *Status) {
		m.behindBy[f.ID] = int64(n)
		st.Backlog = 0
		for _, n := range m.behindBy {
			st.Backlog += n
		}
		if st.Backlog > 0 && st.State != CatchingUp {
			st.State = CatchingUp
		}
	})
}

// stored counts mails that are ours now. Getting on is also what shows that a long
// catching-up is not stuck.
func (m *mailbox) stored(n int64) {
	m.p.metrics.taken.Add(float64(n))
	m.set(func(st *Status) {
		m.taken += n
		st.Taken += n
		if st.State == CatchingUp && n > 0 {
			st.StateAt = time.Now()
		}
	})
}

// run polls until ctx ends. Whatever fails, it waits and begins anew.
func (m *mailbox) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.live(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errLost) {
			m.log(ctx, "the mailbox is polled by another process now")
			m.p.poke()
			return
		}
		wait := m.failed(ctx, err)
		select {
		case <-ctx.Done():
		case <-m.nudged:
		case <-time.After(wait):
		}
	}
}

// failed notes why a poll ended and says how long to wait.
func (m *mailbox) failed(ctx context.Context, err error) time.Duration {
	m.touch()
	m.wellOnce = false
	m.p.metrics.failures.Inc()
	l := m.p.limits
	state, first, most := Waiting, l.BackoffFirst, l.BackoffMost
	var refused *RefusedError
	if errors.As(err, &refused) {
		state, first, most = Refused, l.RefusedFirst, l.RefusedMost
	}
	var failures int
	m.set(func(st *Status) {
		st.State, st.Reason = state, clean(err.Error())
		st.Failures++
		failures = st.Failures
	})
	wait := jitter(backoff(first, most, failures), rand.Float64())
	m.log(ctx, "a poll failed; it is tried again", "failures", failures, "retry_in", wait, "err", err)
	if rerr := m.alarm(ctx, err); rerr != nil {
		m.log(ctx, "an alert could not be written", "err", rerr)
	}
	return wait
}

// alarm raises what a person has to mend. A network that fails for a moment is not
// among it: when it goes on, the mailbox is late.
func (m *mailbox) alarm(ctx context.Context, err error) error {
	var refused *RefusedError
	var folder *folderError
	switch {
	case errors.As(err, &refused) && m.a.Auth == OAuth:
		return m.p.raise(ctx, m.a, alert.Refused, fmt.Sprintf("%s cannot be polled: %s", m.a.Address, refused.Words),
			"See whether IMAP is switched on for the account, and give your consent again; nothing that arrives meanwhile is lost.")
	case errors.As(err, &refused):
		return m.p.raise(ctx, m.a, alert.Refused, fmt.Sprintf("%s cannot be polled: %s", m.a.Address, refused.Words),
			"Check the user name and the password in the mailbox's settings; nothing that arrives meanwhile is lost.")
	case errors.As(err, &folder):
		return m.p.raise(ctx, m.a, alert.Folder, fmt.Sprintf("%s: %s", m.a.Address, clean(folder.Error())),
			"Was it renamed or deleted? Name it anew in the mailbox's settings, or take it off the list. If it is there, its server has a fault that its administrator must mend.")
	}
	return nil
}

// live connects and polls until something fails.
func (m *mailbox) live(ctx context.Context) error {
	m.state(Connecting)
	se, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer se.close()
	anew := true
	for {
		if err := m.poll(ctx, se, anew); err != nil {
			return err
		}
		if err := m.well(ctx); err != nil {
			return err
		}
		if anew, err = m.watch(ctx, se); err != nil {
			return err
		}
	}
}

// turnWithin is how long a mailbox waits for its turn before it says that it does.
const turnWithin = 5 * time.Minute

var errNoTurn = errors.New("too many connections are being made to its server, which answers slowly; it is tried again")

// connect logs in. A token that the server refuses may have been revoked a moment
// ago: a fresh one is tried once.
func (m *mailbox) connect(ctx context.Context) (*session, error) {
	wait, cancel := context.WithTimeoutCause(ctx, turnWithin, errNoTurn)
	done, err := m.p.dials.Take(wait, m.a.Host)
	cancel()
	if err != nil {
		return nil, err
	}
	defer done()
	m.touch()
	if m.a.Auth != OAuth {
		return m.p.dialer.connect(ctx, m.a.Server, m.a.password, nil)
	}
	token, err := m.p.token(ctx, m.a)
	if err != nil {
		return nil, err
	}
	se, err := m.p.dialer.connect(ctx, m.a.Server, token, nil)
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return se, err
	}
	if rerr := m.p.tokens.Refused(ctx, m.a.Workspace, m.a.Mailbox, token); rerr != nil {
		return nil, fmt.Errorf("%w; and its token could not be renewed: %w", err, rerr)
	}
	if token, err = m.p.token(ctx, m.a); err != nil {
		return nil, err
	}
	return m.p.dialer.connect(ctx, m.a.Server, token, nil)
}

// poll goes through all folders once. The first in the list comes last: it stays
// open, and is where the server tells of news.
func (m *mailbox) poll(ctx context.Context, se *session, anew bool) error {
	if m.p.pipeline.Busy() != "" {
		return fmt.Errorf("mail is not taken in at the moment: %s", m.p.pipeline.Busy())
	}
	select {
	case <-se.news: // what comes from now on is told again
	default:
	}
	lacking := error(nil)
	for i := range m.a.Folders {
		f := &m.a.Folders[len(m.a.Folders)-1-i]
		watched := i == len(m.a.Folders)-1
		if !anew && !watched {
			continue // the news were of the folder that is open
		}
		err := m.pollFolder(ctx, se, f, anew)
		if err == nil && anew {
			err = m.afterwards(ctx, se, f)
		}
		var fe *folderError
		if err = ofFolder(f, err); errors.As(err, &fe) && !watched {
			lacking = err
			continue
		}
		if err != nil {
			return err
		}
	}
	switch {
	case lacking != nil:
		m.lack = lack{err: lacking, times: m.lack.times + 1}
	case anew:
		m.lack = lack{}
	}
	return nil
}

// well notes that everything is taken, as far as there are folders to take it from.
func (m *mailbox) well(ctx context.Context) error {
	m.touch()
	now, lack := time.Now(), m.lack
	m.set(func(st *Status) {
		st.State, st.PolledAt, st.Failures, st.Reason, st.Backlog = Watching, &now, 0, "", 0
		if lack.err != nil {
			st.State, st.Failures, st.Reason = Waiting, lack.times, clean(lack.err.Error())
		}
	})
	if lack.noted {
		return nil
	}
	if lack.err != nil {
		m.lack.noted, m.wellOnce = true, false
		m.p.metrics.failures.Inc()
		m.log(ctx, "a folder cannot be polled; the others are", "failures", lack.times, "err", lack.err)
		return errors.Join(m.alarm(ctx, lack.err), m.p.resolve(ctx, m.a.Workspace, m.a.Mailbox, alert.Late, alert.Refused))
	}
	if m.wellOnce {
		return nil
	}
	m.wellOnce = true
	return m.p.resolve(ctx, m.a.Workspace, m.a.Mailbox, alert.Late, alert.Refused, alert.Folder)
}

// backoff is how long to wait after so many failures, jitter left out.
func backoff(first, most time.Duration, failures int) time.Duration {
	return min(most, first<<min(failures-1, 20))
}

// watch waits for something to do: by IDLE where the server has it. It returns
// whether all folders are to be looked at anew.
func (m *mailbox) watch(ctx context.Context, se *session) (anew bool, err error) {
	every, told := m.a.PollEvery, false
	idles := se.caps.Has(imap.CapIdle) && se.folder != "" && !se.idleRefused
	if !idles {
		every = min(every, m.p.limits.PollPlain)
	}
	every = min(every, m.p.limits.IdleAgain)
	if m.lack.err != nil {
		every = min(every, backoff(m.p.limits.BackoffFirst, m.p.limits.BackoffMost, m.lack.times))
	}
	timer := time.NewTimer(jitter(every, 0.4+0.1*rand.Float64()))
	defer timer.Stop()
	var idle interface {
		Close() error
		Wait() error
	}
	if idles {
		se.begin()
		cmd, err := se.c.Idle()
		if refusedBy(err) {
			se.idleRefused = true // whatever it says that it can do
			return m.watch(ctx, se)
		}
		if err != nil {
			return false, fmt.Errorf("IDLE: %w", plainly(err))
		}
		idle = cmd
		se.wire.idle(every+m.p.limits.Silence, se.limits.AnswerBytes)
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-se.c.Closed():
	case <-se.news:
		told = true
	case <-m.nudged:
		anew = true
	case <-timer.C:
		anew = true
	}
	m.touch()
	if idle == nil {
		return true, nil
	}
	se.begin()
	if err := errors.Join(idle.Close(), idle.Wait()); err != nil {
		return false, fmt.Errorf("IDLE: %w", plainly(err))
	}
	if told {
		err = m.wakes.Wait(ctx)
	}
	return anew, err
}

// nudge has the mailbox polled now.
func (m *mailbox) nudge() {
	select {
	case m.nudged <- struct{}{}:
	default:
	}
}
