package tickets

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

const anna, bob, eve = "anna@one.test", "bob@one.test", "eve@evil.test"

// A desk on paper: arrivals are placed one after the other, nothing is stored.
type paper struct {
	*Filer
	box     uuid.UUID
	tickets []uuid.UUID // in the order of their numbers
	now     time.Time
}

func newPaper() *paper {
	d := New(nil, SignWith([]byte("key")))
	return &paper{Filer: d.NewFiler(uuid.Nil, nil), box: uuid.New(), now: time.Now()}
}

func (p *paper) mail(a Arrival) Filing {
	a.MessageID = uuid.Must(uuid.NewV7())
	if a.MailboxID == uuid.Nil {
		a.MailboxID = p.box
	}
	if a.At.IsZero() {
		a.At = p.now
	}
	f := p.place(&a)
	if f.Opened {
		p.tickets = append(p.tickets, f.TicketID)
		p.numbered[int64(len(p.tickets))] = named{p.placed[a.MessageID], a.MailboxID}
	}
	return f
}

func TestRules(t *testing.T) {
	t.Parallel()
	desk := New(nil, SignWith([]byte("key")))
	reply, marker := desk.ReplyAddress(uuid.Nil, "support@x.test", 1), desk.Marker(uuid.Nil, 1)
	// Ticket 1 is Anna's. She sent m1 to Bob as well, and referred to our a1.
	before := []Arrival{
		{FromEmail: anna, Others: []string{bob}, MailID: "m1", Subject: "Lamp"},
		{FromEmail: anna, MailID: "m2", InReplyTo: []string{"a1"}, References: []string{"m1", "a1"}, Subject: "Re: Lamp"},
	}
	for _, c := range []struct {
		name    string
		a       Arrival
		want    Evidence
		related bool
	}{
		{"nothing", Arrival{FromEmail: anna, Subject: "Other"}, Opened, false},
		{"reply address, anybody", Arrival{FromEmail: eve, SentTo: []string{reply}}, ReplyAddress, false},
		{"reply address, elsewhere", Arrival{FromEmail: anna, SentTo: []string{reply}, MailboxID: uuid.New()}, Opened, true},
		{"answer", Arrival{FromEmail: anna, InReplyTo: []string{"m1"}, Subject: "changed"}, InReplyTo, false},
		{"answer of one written to", Arrival{FromEmail: bob, InReplyTo: []string{"m1"}}, InReplyTo, false},
		{"answer of a stranger", Arrival{FromEmail: eve, InReplyTo: []string{"m1"}, References: []string{"m1"}}, Opened, true},
		{"answer of nobody", Arrival{InReplyTo: []string{"m1"}}, Opened, true},
		{"answer in another mailbox", Arrival{FromEmail: anna, InReplyTo: []string{"m1"}, MailboxID: uuid.New()}, Opened, false},
		{"references", Arrival{FromEmail: anna, References: []string{"m1", "unknown"}}, References, false},
		{"what nobody has seen", Arrival{FromEmail: anna, References: []string{"a1"}}, References, false},
		{"what nobody has seen, a stranger", Arrival{FromEmail: eve, InReplyTo: []string{"a1"}}, Opened, false},
		{"late parent of its people", Arrival{FromEmail: anna, MailID: "a1"}, Parent, false},
		{"late parent to its people", Arrival{FromEmail: "agent@x.test", Others: []string{anna}, MailID: "a1"}, Parent, false},
		{"late parent to one drawn in", Arrival{FromEmail: eve, Others: []string{bob}, MailID: "a1"}, Opened, true},
		{"late parent of a stranger", Arrival{FromEmail: eve, MailID: "a1"}, Opened, true},
		{"reused id", Arrival{FromEmail: anna, MailID: "m1", Subject: "New"}, Opened, false},
		{"marker", Arrival{FromEmail: anna, Text: "> " + marker}, BodyMarker, false},
		{"marker, a stranger", Arrival{FromEmail: eve, Text: "> " + marker}, Opened, true},
		{"number", Arrival{FromEmail: bob, Subject: "[#1] again"}, Number, false},
		{"number, a stranger", Arrival{FromEmail: eve, Subject: "[#1] mine"}, Opened, true},
		{"number of none", Arrival{FromEmail: anna, Subject: "[#9] mine"}, Opened, false},
		{"subject", Arrival{FromEmail: anna, Subject: "AW: Lamp"}, Subject, false},
		{"subject, to one who wrote", Arrival{FromEmail: bob, Others: []string{anna}, Subject: "AW: Lamp"}, Subject, false},
		{"subject, a stranger", Arrival{FromEmail: eve, Subject: "AW: Lamp"}, Opened, true},
		{"subject of a new matter", Arrival{FromEmail: anna, Subject: "Lamp"}, Opened, false},
		{"subject of a forwarded mail", Arrival{FromEmail: anna, Subject: "WG: Lamp"}, Opened, false},
		{"subject, too late", Arrival{FromEmail: anna, Subject: "Re: Lamp", At: time.Now().AddDate(0, 0, SubjectWindow+1)}, Opened, false},
		{"bounce of ours", Arrival{FromEmail: "mailer-daemon@x.test", Automatic: bounce, Original: "a1"}, About, false},
		{"bounce that refers", Arrival{FromEmail: "mailer-daemon@x.test", Automatic: bounce, References: []string{"a1"}}, About, false},
		{"bounce to its reply address", Arrival{Automatic: bounce, SentTo: []string{reply}}, ReplyAddress, false},
		{"bounce of what is unknown", Arrival{FromEmail: anna, Automatic: bounce, Original: "zzz", Subject: "Re: Lamp [#1]"}, Opened, false},
		{"vacation of hers", Arrival{FromEmail: anna, Automatic: vacation, InReplyTo: []string{"a1"}}, InReplyTo, false},
		{"vacation of a stranger", Arrival{FromEmail: eve, Automatic: vacation, InReplyTo: []string{"m1"}}, Opened, true},
		{"ours", Arrival{FromEmail: "agent@x.test", Others: []string{anna}, InReplyTo: []string{"m1"}, Ours: true}, InReplyTo, false},
		{"ours to a stranger", Arrival{FromEmail: "agent@x.test", Others: []string{eve}, References: []string{"m1"}, Ours: true}, References, false},
		{"ours, what nobody has seen", Arrival{FromEmail: "agent@x.test", Others: []string{anna}, InReplyTo: []string{"a1"}, Ours: true}, InReplyTo, false},
		{"ours, late parent", Arrival{FromEmail: "agent@x.test", Others: []string{anna}, MailID: "a1", Ours: true}, Parent, false},
		{"ours by number", Arrival{FromEmail: "agent@x.test", Others: []string{eve}, Subject: "[#1] Lamp", Ours: true}, Number, false},
		{"heaviest first", Arrival{FromEmail: anna, Subject: "Re: Lamp [#1]", InReplyTo: []string{"m2"}, References: []string{"m1"}}, InReplyTo, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPaper()
			for _, a := range before {
				p.mail(a)
			}
			if len(p.tickets) != 1 {
				t.Fatalf("there are %d tickets, want one", len(p.tickets))
			}
			got := p.mail(c.a)
			if got.Evidence != c.want || got.Weight != weights[c.want] || got.Opened != (c.want == Opened) || !got.Opened && got.TicketID != p.tickets[0] {
				t.Errorf("it is %+v, want %s", got, c.want)
			}
			if related := len(p.related) > 0; related != c.related {
				t.Errorf("related: %+v, want %v", p.related, c.related)
			}
			for _, x := range got.Findings {
				if x.Joins == (x.But != "") || !x.Joins && x.Weight != hint {
					t.Errorf("finding %+v contradicts itself", x)
				}
			}
		})
	}
}

// Mail of ours that has no evidence of its ticket opens none, and one that joins
// makes its author take no part.
func TestOurs(t *testing.T) {
	t.Parallel()
	const agent = "agent@x.test"
	for name, a := range map[string]Arrival{
		"nothing":                              {Others: []string{anna}, Subject: "Other"},
		"a subject":                            {Others: []string{anna}, Subject: "Re: Lamp"},
		"what nobody has seen, to a stranger":  {Others: []string{eve}, InReplyTo: []string{"a1"}},
		"the parent of others, to a stranger":  {Others: []string{eve}, MailID: "a1"},
		"a number of another mailbox's ticket": {Others: []string{anna}, Subject: "[#1] Lamp", MailboxID: uuid.New()},
	} {
		p := newPaper()
		p.mail(Arrival{FromEmail: anna, MailID: "m1", InReplyTo: []string{"a1"}, Subject: "Lamp"})
		p.mail(Arrival{FromEmail: agent, Others: []string{anna}, InReplyTo: []string{"m1"}, Subject: "Re: Lamp", Ours: true})
		a.FromEmail, a.Ours = agent, true
		if got := p.mail(a); got.Opened || got.TicketID != uuid.Nil || len(p.lone) != 1 || len(p.related) != 0 {
			t.Errorf("%s: it is %+v, want it on no ticket", name, got)
		}
		if got := p.mail(Arrival{FromEmail: agent, InReplyTo: []string{"m1"}, Subject: "Re: Lamp"}); !got.Opened {
			t.Errorf("%s: who writes in our name joined by %s", name, got.Evidence)
		}
	}
}

// However the mails of these conversations come, each is on one ticket in the end.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	for name, mails := range map[string][]Arrival{
		"answers to answers": {
			{FromEmail: anna, MailID: "1", Subject: "Lamp"},
			{FromEmail: anna, MailID: "2", InReplyTo: []string{"1"}, Subject: "a"},
			{FromEmail: anna, MailID: "3", InReplyTo: []string{"2"}, Subject: "b"},
			{FromEmail: anna, MailID: "4", InReplyTo: []string{"3"}, Subject: "c"},
		},
		"two people": {
			{FromEmail: anna, MailID: "1", Subject: "Lamp"},
			{FromEmail: anna, Others: []string{bob}, MailID: "2", InReplyTo: []string{"1"}, Subject: "Re: Lamp"},
			{FromEmail: bob, MailID: "3", InReplyTo: []string{"2"}, References: []string{"1", "2"}, Subject: "x"},
			{FromEmail: anna, MailID: "4", InReplyTo: []string{"1"}, Subject: "y"},
		},
		"subjects only": {
			{FromEmail: anna, Subject: "Lamp"},
			{FromEmail: anna, Subject: "Re: Lamp", MailID: "2"},
			{FromEmail: anna, Subject: "SV: Lamp", InReplyTo: []string{"ours"}},
		},
		"a report": {
			{FromEmail: anna, MailID: "1", Subject: "Lamp"},
			{FromEmail: anna, MailID: "2", References: []string{"1", "ours"}, Subject: "Re: Lamp"},
			{FromEmail: "mailer-daemon@y.test", Automatic: bounce, Original: "ours", Subject: "Undelivered"},
		},
	} {
		for _, order := range permutations(len(mails)) {
			p := newPaper()
			for _, i := range order {
				p.mail(mails[i])
			}
			var at *facts
			for _, t2 := range p.placed {
				if at != nil && t2.root() != at {
					t.Errorf("%s in the order %v: the mails are apart", name, order)
					break
				}
				at = t2.root()
			}
		}
	}
}

func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, rest := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(rest), at, n-1))
		}
	}
	return all
}
