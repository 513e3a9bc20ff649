package imappoll_test

import (
	"fmt"
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
	to := w.folders[0]
	if from == to {
		to = w.folders[1]
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
	_, _ = w.admin.Select("INBOX", nil).Wait()
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
