package imappoll_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

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

func (w *world) folder() string { return w.folders[w.rnd.IntN(len(w.folders))] }

func (w *world) deliver() {
	folder := w.folder()
	for range 1 + w.rnd.IntN(12) {
		w.server.Deliver(tortureUser, folder, w.newMail(folder))
	}
	w.did("deliver")
}

// again does something on the torturer's connection, and once more on another one
// when the server hangs up instead of answering: Dovecot does where it trips over
// its own index after a folder was renamed. What is done must bear to be done twice.
func (w *world) again(what string, do func() error) {
	var answer *imap.Error
	err := do()
	for try := 0; err != nil && !errors.As(err, &answer) && try < 5; try++ {
		w.did("hung up")
		w.connect()
		err = do()
	}
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
}

func (w *world) appendSome() {
	folder := w.folder()
	for range 1 + w.rnd.IntN(5) {
		raw := strings.ReplaceAll(w.newMail(folder), "\n", "\r\n")
		m := w.mails[fmt.Sprintf("torture %d", w.counter)]
		first := true
		w.again("append", func() error {
			if !first {
				m.copies++ // the first may be there
			}
			first = false
			c := w.admin.Append(folder, int64(len(raw)), nil)
			_, werr := c.Write([]byte(raw))
			cerr := c.Close()
			if _, err := c.Wait(); err != nil {
				return err
			}
			return errors.Join(werr, cerr)
		})
	}
	w.did("append")
}

// picked are mails of the folder that is open, with their subjects.
type picked map[imap.UID]string

// pick opens a folder and returns some of its mails.
func (w *world) pick(folder string, n int) (picked, error) {
	data, err := w.admin.Select(folder, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("select %s: %w", folder, err)
	}
	if data.NumMessages == 0 {
		return nil, nil
	}
	var set imap.SeqSet
	for range n {
		set.AddNum(1 + uint32(w.rnd.IntN(int(data.NumMessages))))
	}
	list, err := w.admin.Fetch(set, &imap.FetchOptions{UID: true, Envelope: true}).Collect()
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	p := picked{}
	for _, m := range list {
		if m.Envelope != nil && m.UID != 0 {
			p[m.UID] = m.Envelope.Subject
		}
	}
	return p, nil
}

// with does something to some mails of a folder.
func (w *world) with(what, folder string, n int, do func(imap.UIDSet) error) picked {
	var all picked
	w.again(what, func() error {
		p, err := w.pick(folder, n)
		if err != nil || len(p) == 0 {
			return err
		}
		if all == nil {
			all = picked{}
		}
		maps.Copy(all, p) // what was begun on another connection may have been done
		return do(p.uids())
	})
	if all != nil {
		w.did(what)
	}
	return all
}

func (w *world) store(uids imap.UIDSet, flags ...imap.Flag) error {
	return w.admin.Store(uids, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: flags}, nil).Close()
}

func (p picked) uids() imap.UIDSet {
	var set imap.UIDSet
	for u := range p {
		set.AddNum(u)
	}
	return set
}

func (w *world) flag() {
	w.with("flag", w.folder(), 5, func(uids imap.UIDSet) error {
		return w.store(uids, imap.FlagSeen, imap.FlagFlagged)
	})
}

func (w *world) expunge() {
	gone := w.with("expunge", w.folder(), 2, func(uids imap.UIDSet) error {
		if err := w.store(uids, imap.FlagDeleted); err != nil {
			return err
		}
		return w.admin.UIDExpunge(uids).Close()
	})
	for _, s := range gone {
		w.mails[s].folder = ""
	}
}

// move puts mails into another polled folder: the same content under another UID.
func (w *world) move() {
	from := w.folder()
	to := w.folders[0]
	if from == to {
		to = w.folders[1]
	}
	moved := w.with("move", from, 2, func(uids imap.UIDSet) error {
		_, err := w.admin.Move(uids, to).Wait()
		return err
	})
	for _, s := range moved {
		w.mails[s].folder, w.mails[s].copies = to, w.mails[s].copies+1
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
	w.again("open INBOX", func() error {
		_, err := w.admin.Select("INBOX", nil).Wait()
		return err
	})
	support, away := w.folders[1], w.prefix+"Away"
	do("rename", w.admin.Rename(support, away, nil).Wait())
	between := w.rnd.IntN(2) == 0
	if between {
		do("create", w.admin.Create(support, nil).Wait())
	}
	time.Sleep(time.Duration(w.rnd.IntN(150)) * time.Millisecond)
	if between {
		err := w.admin.Delete(support).Wait()
		for try := 0; err != nil && try < 5; try++ { // Dovecot trips over its own index where another process has the folder open
			w.connect()
			err = w.admin.Delete(support).Wait()
		}
		do("delete", err)
	}
	do("rename back", w.admin.Rename(away, support, nil).Wait())
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
