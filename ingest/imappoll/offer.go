package imappoll

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/textproto"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postroom/ingest"
)

// A batch is mails of one folder that were fetched and wait for their commit.
type batch struct {
	m *mailbox
	f *Folder

	wg     sync.WaitGroup
	mu     sync.Mutex
	err    error // the first that ends the poll
	stored int64
	taken  []Witness // what is ours now
}

// take passes a mail on. The poller goes on reading while it is committed.
func (b *batch) take(ctx context.Context, g mailing) error {
	m := b.m
	m.touch()
	if g.raw == nil {
		return m.park(ctx, b.f, g.uid, fmt.Sprintf("it has %d octets; at most %d are taken", g.size, m.p.limits.MailBytes))
	}
	if b.f.Adopting {
		known, err := m.recogniseMail(ctx, b.f, g)
		if known || err != nil {
			m.p.room.give(g.size)
			b.witness(g, err)
			return err
		}
	}
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		m.p.room.give(g.size)
		return ctx.Err()
	}
	b.wg.Go(func() {
		defer func() {
			m.p.room.give(g.size)
			<-m.slots
		}()
		err := m.offer(ctx, b.f, g)
		b.witness(g, err)
		b.mu.Lock()
		defer b.mu.Unlock()
		if err == nil {
			b.stored++
		} else if b.err == nil {
			b.err = err
		}
	})
	return nil
}

// witness remembers how the server described a mail that is ours.
func (b *batch) witness(g mailing, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.taken = append(b.taken, Witness{g.uid, g.said, g.at})
	}
}

// settle waits until every mail of the batch is stored or set aside.
func (b *batch) settle() error {
	b.wg.Wait()
	b.m.stored(b.stored)
	b.stored = 0
	b.f.Witnesses, b.taken = latest(b.f.Witnesses, b.taken), nil
	return b.err
}

// offer hands one mail to the pipeline and returns after the commit. A mail that
// the pipeline will never take is parked, with the reason; only what may pass ends
// the poll.
func (m *mailbox) offer(ctx context.Context, f *Folder, g mailing) error {
	o := m.offerOf(f, g)
	deadline := time.Now().Add(m.p.limits.BusyPatience)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := m.p.pipeline.Accept(ctx, o)
		var large *ingest.TooLargeError
		switch {
		case err == nil:
			m.touch()
			if m.a.Auth == OAuth {
				m.usedMails.Add(1)
				m.usedOctets.Add(g.size)
			}
			return nil
		case errors.As(err, &large):
			return m.park(ctx, f, g.uid, err.Error())
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, ingest.ErrBusy):
			return m.setAside(ctx, f, badUID{uid: g.uid}, err.Error())
		case time.Now().After(deadline):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (m *mailbox) offerOf(f *Folder, g mailing) ingest.Offer {
	return ingest.Offer{
		Raw: g.raw,
		Envelope: ingest.Envelope{
			Door: ingest.DoorIMAP, MailFrom: returnPath(g.raw), Peer: m.a.Host, Session: m.p.session,
			Folder: f.Name, Role: string(f.Role), Learn: f.Learn,
		},
		To: []ingest.Recipient{{
			Workspace: m.a.Workspace, Mailbox: m.a.Mailbox, Address: m.a.Address,
			SourceKey: fmt.Sprintf("imap:%s:%s:%d.%d:%d", m.a.Mailbox, f.ID, f.Epoch, f.Validity, g.uid),
			Place:     &ingest.Place{Folder: f.ID, Epoch: f.Epoch, UID: g.uid},
		}},
	}
}

// returnPath is the reverse-path that the server which delivered the mail wrote on
// top of it (RFC 5321 §4.4), "" when it wrote none.
func returnPath(raw []byte) string {
	for range 10 { // of the topmost fields
		line, rest, ok := bytes.Cut(raw, []byte("\n"))
		name, value, colon := bytes.Cut(line, []byte(":"))
		if !ok || !colon && !bytes.HasPrefix(line, []byte(" ")) && !bytes.HasPrefix(line, []byte("\t")) {
			return ""
		}
		if textproto.CanonicalMIMEHeaderKey(string(bytes.TrimSpace(name))) == "Return-Path" && len(value) < 1000 {
			return string(bytes.Trim(bytes.TrimSpace(value), "<>"))
		}
		raw = rest
	}
	return ""
}

// recogniseMail finds out whether a mail of a folder that was numbered anew is
// known already, or lay there before we came.
func (m *mailbox) recogniseMail(ctx context.Context, f *Folder, g mailing) (bool, error) {
	hash := sha256.Sum256(g.raw)
	for _, old := range m.old[f.ID].candidates(hash) {
		done, err := m.uids.adopt(ctx, f, old, g.uid, hash[:])
		if done || err != nil {
			m.old[f.ID].claimed(old)
			return true, err
		}
	}
	if since, ok := m.a.since(); ok && g.at.Before(since) && !g.at.IsZero() {
		err := m.uids.in(ctx, func(tx pgx.Tx) error { return m.uids.note(ctx, tx, f, "before", []uint32{g.uid}) })
		return true, err
	}
	return false, nil
}
