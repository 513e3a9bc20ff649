package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"postroom/classify"
	"postroom/ingest"
	"postroom/ingest/ingesttest"
	"postroom/ingest/mail"
	"postroom/tickets"
)

// letterFrom is a mail with an id of its own, in the words of spam or of ham.
func letterFrom(sender, inReplyTo string, spam bool) string {
	id := uuid.NewString()
	body := "the printer on floor " + id[:2] + " shows an error after the update and my order has not arrived, could you look please"
	subject := "Printer " + id[:4]
	if spam {
		body = "cheap pills " + id[:2] + " casino winner click here to claim your prize http://win.example/" + id[:3] + " unsubscribe viagra"
		subject = "Winner " + id[:4]
	}
	s := mailText(id+"@x", inReplyTo, subject, body)
	return strings.Replace(s, "Anna <anna@example.test>", sender, 1)
}

// taught teaches a workspace's filter both kinds, by mail of strangers.
func taught(t *testing.T, r *ingesttest.Room, workspace uuid.UUID) {
	t.Helper()
	var list []classify.Judgement
	for i := range 160 {
		v := classify.Ham
		if i%2 == 0 {
			v = classify.Spam
		}
		m, err := mail.Parse([]byte(letterFrom(fmt.Sprintf("p%d@people%d.test", i, i), "", v == classify.Spam)), mail.DefaultBudget)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, classify.Judgement{
			MessageID: uuid.New(), Verdict: v, Actor: "test", Source: classify.SourceImport,
			Features: r.Filter.Features(workspace, ingest.Evidence(m, ingest.Envelope{Door: ingest.DoorAPI})),
		})
	}
	if err := r.Filter.TrainAll(t.Context(), workspace, list); err != nil {
		t.Fatal(err)
	}
	if err := r.Filter.Refresh(t.Context(), workspace); err != nil {
		t.Fatal(err)
	}
}

// A tiesRoom counts what was sent to its workspace.
type tiesRoom struct {
	*ingesttest.Room
	t *testing.T
	n int
}

// offered is what becomes of a mail.
func (r *tiesRoom) offered(raw string) ingest.Message {
	r.t.Helper()
	r.Send(raw)
	r.n++
	return r.Settled(r.n)[r.n-1]
}

// wants checks a message's verdict in its row, and in its explanation, which must say why.
func (r *tiesRoom) wants(name string, m ingest.Message, stage ingest.Stage, verdict classify.Verdict, why string) {
	r.t.Helper()
	v, err := r.Verdict(r.t.Context(), r.Workspace, m.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	if m.Stage != stage || m.Verdict == nil || *m.Verdict != string(verdict) || v.Now.Verdict != verdict || !strings.Contains(v.Now.Reason, why) {
		r.t.Errorf("%s: %s, verdict %v, now %s (%q); want %s, %s with %q", name, m.Stage, *m.Verdict, v.Now.Verdict, v.Now.Reason, stage, verdict, why)
	}
	steps, err := m.Passport()
	if err != nil {
		r.t.Fatal(err)
	}
	told := false
	for _, s := range steps {
		told = told || s.Step == "ties" && s.Outcome == string(verdict) && strings.Contains(fmt.Sprint(s.Detail["reason"]), why)
	}
	if told != (why != "") {
		r.t.Errorf("%s: passport %+v; ties in it: %v, want %v", name, steps, told, why != "")
	}
}

func newTiesRoom(t *testing.T) *tiesRoom {
	r := &tiesRoom{Room: ingesttest.New(t, nil), t: t}
	taught(t, r.Room, r.Workspace)
	r.Start()
	return r
}

// sent offers a mail of our own people, as their Sent folder has it.
func (r *tiesRoom) sent(id, to string) {
	r.t.Helper()
	from(r.t, r.Room, "sent", strings.Replace(sentMail(id, ""), "anna@example.test", to, 1))
	r.n++
	r.Settled(r.n)
}

func TestPeopleWeWroteToAreNotSpam(t *testing.T) {
	t.Parallel()
	r := newTiesRoom(t)
	r.wants("a stranger", r.offered(letterFrom("bert@b.test", "", true)), ingest.Held, classify.Spam, "")
	r.sent("s1@us", "Bert <Bert@b.test>, "+r.Address)
	m := r.offered(letterFrom("bert@B.test", "", true))
	r.wants("after we wrote to him", m, ingest.Filed, classify.Unsure, "we have written to its sender")
	r.wants("his ham", r.offered(letterFrom("bert@b.test", "", false)), ingest.Filed, classify.Ham, "")
	r.wants("who forges our own address", r.offered(letterFrom(r.Address, "", true)), ingest.Held, classify.Spam, "")
	other, _ := r.NewWorkspace("help@other.test")
	taught(t, r.Room, other)
	box, err := r.Desk.Mailboxes(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	o := r.Offer(letterFrom("bert@b.test", "", true))
	o.To = []ingest.Recipient{{Workspace: other, Mailbox: box[0].ID, Address: "help@other.test", SourceKey: "test:other"}}
	if err := r.Accept(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if m := r.SettledIn(other, 1)[0]; m.Stage != ingest.Held || *m.Verdict != string(classify.Spam) {
		t.Errorf("in a workspace that never wrote to him: %s, %s; want held as spam", m.Stage, *m.Verdict)
	}
	if err := r.DB.InWorkspace(t.Context(), r.Workspace, func(tx pgx.Tx) error {
		_, err := r.Filter.SetSender(t.Context(), tx, r.Workspace, classify.SenderRule{Pattern: "b.test", Verdict: classify.Spam, Actor: "anna"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Filter.Refresh(t.Context(), r.Workspace); err != nil {
		t.Fatal(err)
	}
	r.wants("blocked", r.offered(letterFrom("bert@b.test", "", true)), ingest.Held, classify.Spam, "")
}

func TestGoodSendersAreNotSpam(t *testing.T) {
	t.Parallel()
	r := newTiesRoom(t)
	for n := range 3 {
		r.wants(fmt.Sprintf("spam after %d good mails", n), r.offered(letterFrom("carl@c.test", "", true)), ingest.Held, classify.Spam, "")
		r.offered(letterFrom("carl@c.test", "", false))
	}
	m := r.offered(letterFrom("carl@c.test", "", true))
	r.wants("spam after 3 good mails", m, ingest.Filed, classify.Unsure, "3 of its sender's last 20 mails were ham")
	r.wants("of somebody else there", r.offered(letterFrom("dora@c.test", "", true)), ingest.Held, classify.Spam, "")
	if _, err := r.Judge(t.Context(), r.Workspace, "anna", m.ID, classify.Spam); err != nil {
		t.Fatal(err)
	}
	r.wants("after a person said spam", r.offered(letterFrom("carl@c.test", "", true)), ingest.Held, classify.Spam, "")
	if _, err := r.Judge(t.Context(), r.Workspace, "anna", m.ID, classify.Forget); err != nil {
		t.Fatal(err)
	}
	r.wants("after that was taken back", r.offered(letterFrom("carl@c.test", "", true)), ingest.Filed, classify.Unsure, "3 of its sender's last 20 mails were ham")
}

func TestAnswersToOurMailAreNotSpam(t *testing.T) {
	t.Parallel()
	r := newTiesRoom(t)
	r.sent("s1@us", "erna@e.test")
	const says = "it answers a mail of ours"
	r.wants("from another address", r.offered(letterFrom("erna@home.test", "s1@us", true)), ingest.Filed, classify.Unsure, says)
	r.wants("to a mail of others", r.offered(letterFrom("fred@f.test", "s2@us", true)), ingest.Held, classify.Spam, "")
	strange := "From: Erna <erna@home.test>\r\nTo: " + r.Address + "\r\nMessage-ID: <z@x>\r\nIn-Reply-To: <s1@us>\r\nSubject: Re: Lampe\r\n\r\n" +
		"Vielen Dank, morgen passt es uns gut, kommen Sie doch bitte gegen neun in die Werkstatt hinten am Hof.\r\n"
	m := r.offered(strange)
	if v, err := r.Filter.Score(t.Context(), r.Workspace, r.featuresOf(strange)); err != nil || v.Verdict != classify.Unsure {
		t.Fatalf("by its words it is %s (%v), want unsure", v.Verdict, err)
	}
	r.wants("unsure by its words", m, ingest.Filed, classify.Ham, says)
	first := r.offered(letterFrom("gerd@g.test", "", false))
	tk := ticketOf(t, r.Room, first)
	toToken := strings.Replace(letterFrom("hugo@h.test", "", true), "To: support@example.test", "To: "+r.Desk.ReplyAddress(r.Workspace, r.Address, tk.Number), 1)
	r.wants("to a signed address", r.offered(toToken), ingest.Filed, classify.Unsure, "it bears the token")
	forged := strings.Replace(letterFrom("hugo@h.test", "", true), "To: support@example.test",
		"To: "+tickets.New(r.DB, tickets.SignWith([]byte("another key"))).ReplyAddress(r.Workspace, r.Address, tk.Number), 1)
	r.wants("to an address that others signed", r.offered(forged), ingest.Held, classify.Spam, "")
}

func (r *tiesRoom) featuresOf(raw string) classify.Features {
	m, err := mail.Parse([]byte(raw), mail.DefaultBudget)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.Filter.Features(r.Workspace, ingest.Evidence(m, ingest.Envelope{Door: ingest.DoorAPI}))
}

// A message that rested behind its scoring is scored again before it is filed: reason and ties are not in its row.
func TestSpamThatRested(t *testing.T) {
	t.Parallel()
	r := newTiesRoom(t)
	r.sent("s1@us", "bert@b.test")
	pause(t, r.Room, ingest.Scored)
	waitFor(t, "the pause", func() bool { return r.Paused(ingest.Scored) })
	r.Send(letterFrom("bert@b.test", "", true), letterFrom("a stranger <ida@i.test>", "", true))
	waitFor(t, "messages at rest", func() bool {
		l, err := r.Ledger(t.Context(), r.Workspace)
		return err == nil && l.Waiting[ingest.Scored] == 2
	})
	if err := r.Resume(t.Context(), ingest.Scored); err != nil {
		t.Fatal(err)
	}
	list := r.Settled(3)
	r.wants("known", list[1], ingest.Filed, classify.Unsure, "we have written to its sender")
	r.wants("a stranger", list[2], ingest.Held, classify.Spam, "")
	if list[2].Reason == nil || !strings.HasPrefix(*list[2].Reason, "spam: ") {
		t.Errorf("a stranger's is held for %v, want the filter's reason", list[2].Reason)
	}
}
