package imappoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// A mailing is one mail as the server gave it.
type mailing struct {
	uid uint32
	raw []byte // nil when it is larger than any that is taken
	at  time.Time
	// size is what the server announced, and what the room was taken for.
	size int64
	said int64 // RFC822.SIZE, which need not be the same
	cut  bool  // the connection broke in the middle of it
}

// wholeMail asks for a mail as it is, and marks nothing.
var wholeMail = &imap.FetchOptions{
	UID: true, InternalDate: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}},
}

// fetch reads mails one after the other, each into a buffer of its size, and hands
// them to take, which owns the buffer and its room. It returns the UIDs that the
// server answered; an *imap.Error says that it would not give the rest.
func (se *session) fetch(ctx context.Context, list []uint32, r *room, take func(mailing) error) (map[uint32]bool, error) {
	var set imap.UIDSet
	for _, u := range list {
		set.AddNum(imap.UID(u))
	}
	seen := make(map[uint32]bool, len(list))
	se.begin()
	cmd := se.c.Fetch(set, wholeMail)
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		m, err := se.read(ctx, msg, r)
		if m.uid != 0 && m.size >= 0 && (err == nil || m.size > se.limits.MailBytes) {
			seen[m.uid] = true
			err = cmp.Or(take(m), err)
		}
		if err != nil {
			se.breakOff(cmd, m.cut)
			return seen, err
		}
	}
	if err := cmd.Close(); err != nil {
		return seen, plainly(err)
	}
	return seen, nil
}

// breakOff ends a FETCH that is under way, and the connection; otherwise it cannot
// be called off. The library's reader waits until somebody has read the mail that
// comes next, so that is read before we wait for the reader; but not a mail that
// was cut off, for the reader is past it.
func (se *session) breakOff(cmd *imapclient.FetchCommand, cut bool) {
	if cut {
		se.close()
		_ = cmd.Close()
		return
	}
	_ = se.wire.Close()
	_ = cmd.Close()
	se.close()
}

// read reads one answer to FETCH. Its size is -1 when there was no mail in it. What
// gives two numbers to one mail, or a part of it, is no answer to what was asked.
func (se *session) read(ctx context.Context, msg *imapclient.FetchMessageData, r *room) (mailing, error) {
	m := mailing{size: -1}
	taken, confused := false, false
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			confused = confused || m.uid != 0 && m.uid != uint32(item.UID)
			m.uid = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			m.at = date(item.Time)
		case imapclient.FetchItemDataRFC822Size:
			m.said = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || taken || !item.MatchCommand(wholeMail.BodySection[0]) {
				continue
			}
			var err error
			if m.size, m.raw, err = se.body(ctx, item.Literal, r); err != nil {
				m.cut = !errors.Is(err, errFull) && !errors.Is(err, ctx.Err())
				return m, err
			}
			taken = m.raw != nil
		}
	}
	if confused || m.uid == 0 {
		if taken {
			r.give(m.size)
		}
		return mailing{size: -1}, nil
	}
	return m, nil
}

// date is a time of the server's as it can be kept: of no zone, and of a year that
// RFC 3339 knows; the zero time otherwise.
func date(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// passOver is how much of a mail that is too large is read and dropped, in mails of
// the largest size that is taken; at one that is larger still we hang up.
const passOver = 4

// body reads a literal, whose length the server says first.
func (se *session) body(ctx context.Context, l imap.LiteralReader, r *room) (int64, []byte, error) {
	size := l.Size()
	if size > se.limits.MailBytes {
		se.wire.more(se.limits.CommandTime, min(size, passOver*se.limits.MailBytes))
		_, err := io.Copy(io.Discard, l)
		return size, nil, err
	}
	se.wire.more(time.Duration(size/se.limits.LeastRate)*time.Second+time.Second, size)
	if err := r.take(ctx, size, se.limits.Silence); err != nil {
		return size, nil, err
	}
	in := r.read(l, size, se.limits.Silence, se.wire.giveUp)
	defer in.end()
	raw := make([]byte, size)
	if _, err := io.ReadFull(in, raw); err != nil {
		r.give(size)
		return size, nil, fmt.Errorf("read a mail of %d octets: %w", size, plainly(err))
	}
	return size, raw, nil
}

// refusedBy reports whether the server answered that it would not, as opposed to a
// connection that broke.
func refusedBy(err error) bool {
	var ie *imap.Error
	return errors.As(err, &ie) && ie.Type != imap.StatusResponseTypeBye
}

// dates asks when mails were received.
func (se *session) dates(list []uint32) (map[uint32]time.Time, error) {
	at := make(map[uint32]time.Time, len(list))
	const atOnce = 2000
	for len(list) > 0 {
		n := min(len(list), atOnce)
		var set imap.UIDSet
		for _, u := range list[:n] {
			set.AddNum(imap.UID(u))
		}
		list = list[n:]
		se.begin()
		cmd := se.c.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true})
		for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
			var uid uint32
			var when time.Time
			for item := msg.Next(); item != nil; item = msg.Next() {
				switch item := item.(type) {
				case imapclient.FetchItemDataUID:
					uid = uint32(item.UID)
				case imapclient.FetchItemDataInternalDate:
					when = date(item.Time)
				}
			}
			if uid != 0 {
				at[uid] = when
			}
		}
		if err := cmd.Close(); err != nil {
			return nil, fmt.Errorf("dates of mails: %w", plainly(err))
		}
	}
	return at, nil
}
