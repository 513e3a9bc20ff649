package imappoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/uuid"
	"golang.org/x/net/publicsuffix"

	"postroom/internal/submission"
	"postroom/tickets"
)

// A ProbeStep is one step of testing a connection, in words.
type ProbeStep struct {
	Step  string // "connect", "secure", "login", "folders", "send"
	OK    bool
	Words string
}

// A Preview is what a first import would take.
type Preview struct {
	Folder   string
	Role     Role // as the server or its name says
	Mails    int
	ToImport int // of them, by the cut-off that was asked for
}

// A Probe is the result of testing a connection. Nothing was changed at the server.
type Probe struct {
	Steps   []ProbeStep
	Idle    bool // the server tells of new mail by itself
	Folders []Preview
}

// OK reports whether every step went well.
func (p Probe) OK() bool {
	for _, s := range p.Steps {
		if !s.OK {
			return false
		}
	}
	return len(p.Steps) > 0
}

// A Trial is settings to be tried before they are stored.
type Trial struct {
	Settings
	// Sending, if not nil, is where the mailbox's owner hands mail in, logging in as
	// here; without a host it is the server that belongs to a known one for IMAP.
	Sending *Server
}

// sendingFor are the servers for sending of those that are known.
var sendingFor = map[string]Server{
	google.Host:    {Host: "smtp.gmail.com", Port: 465, Security: TLS},
	microsoft.Host: {Host: "smtp.office365.com", Port: 587, Security: STARTTLS},
}

func (t *Trial) check() error {
	if err := t.Settings.check(); err != nil || t.Sending == nil {
		return err
	}
	s := *t.Sending
	if s.Host == "" {
		var known bool
		if s, known = sendingFor[t.Host]; !known {
			return &tickets.InvalidError{Field: "sending.host", Reason: "it is not known which server sends for " + t.Host + "; name it"}
		}
	}
	if s.Security == "" {
		s.Security = TLS
	}
	if s.Port == 0 {
		s.Port = map[Security]int{TLS: 465, STARTTLS: 587, None: 587}[s.Security]
	}
	s.Auth, s.Username = t.Auth, t.Username
	err := s.check()
	var invalid *tickets.InvalidError
	if errors.As(err, &invalid) {
		err = &tickets.InvalidError{Field: "sending." + invalid.Field, Reason: invalid.Reason}
	}
	if err == nil && t.Password == "" && !related(t.Host, s.Host) {
		err = &tickets.InvalidError{Field: "sending.host", Reason: "what is stored to log in at " + t.Host + " is not sent to " + s.Host + ", which is not of the same domain"}
	}
	t.Sending = &s
	return err
}

// related reports whether two servers are certainly one owner's: what is stored for
// the one may be shown to the other.
func related(imap, smtp string) bool {
	if imap == smtp || sendingFor[imap].Host == smtp {
		return true
	}
	a, err1 := publicsuffix.EffectiveTLDPlusOne(imap)
	b, err2 := publicsuffix.EffectiveTLDPlusOne(smtp)
	return err1 == nil && err2 == nil && a == b
}

// Test tries a mailbox's settings before they are stored. With Password "" the one
// that is stored is used; by OAuth, the mailbox's token. The error is the
// settings' own; what goes wrong on the way is in the steps.
func (p *Poller) Test(ctx context.Context, workspace, mailbox uuid.UUID, t Trial) (Probe, error) {
	if err := t.check(); err != nil {
		return Probe{}, err
	}
	s := t.Settings
	secret, err := p.secretFor(ctx, workspace, mailbox, s)
	if err != nil {
		return Probe{Steps: []ProbeStep{{"login", false, err.Error()}}}, nil
	}
	var out Probe
	se, err := p.dialer.connect(ctx, s.Server, secret, func(step, words string) {
		out.Steps = append(out.Steps, ProbeStep{step, true, words})
	})
	if err != nil {
		next := []string{"connect", "secure", "login", "login"}[min(len(out.Steps), 3)]
		out.Steps = append(out.Steps, ProbeStep{next, false, clean(err.Error())})
		return out, nil
	}
	defer se.leave()
	out.Idle = se.caps.Has(imap.CapIdle)
	out.Folders, err = se.preview(s)
	if err != nil {
		out.Steps = append(out.Steps, ProbeStep{"folders", false, clean(err.Error())})
		return out, nil
	}
	total := 0
	for _, f := range out.Folders {
		total += f.ToImport
	}
	out.Steps = append(out.Steps, ProbeStep{"folders", true, fmt.Sprintf("looked into %d folders; %d mails would be imported now", len(out.Folders), total)})
	if t.Sending != nil {
		out.Steps = append(out.Steps, p.trySending(ctx, t, secret))
	}
	return out, nil
}

// trySending logs in where mail is handed in, and sends nothing.
func (p *Poller) trySending(ctx context.Context, t Trial, secret string) ProbeStep {
	l := submission.Login{Username: t.Username, Password: secret}
	advice := ""
	if t.Auth == OAuth {
		l = submission.Login{Username: t.Username, Token: secret}
		advice = "; the consent may not include sending: ask for it again with send"
	}
	to := submission.Server{Host: t.Sending.Host, Port: t.Sending.Port, Security: submission.Security(t.Sending.Security)}
	c, err := submission.Dialer{Roots: p.dialer.roots, Dial: p.dialer.dial}.Open(ctx, to, l)
	var refused *submission.RefusedError
	switch {
	case errors.As(err, &refused):
		return ProbeStep{"send", false, clean(err.Error()) + advice}
	case err != nil:
		return ProbeStep{"send", false, clean(err.Error())}
	}
	_ = c.Quit()
	return ProbeStep{"send", true, fmt.Sprintf("%s lets %s send", t.Sending.Host, t.Username)}
}

func (p *Poller) secretFor(ctx context.Context, workspace, mailbox uuid.UUID, s Settings) (string, error) {
	switch {
	case s.Auth == OAuth:
		return p.token(ctx, &Account{Workspace: workspace, Mailbox: mailbox, Address: s.Username, Settings: s})
	case s.Password != "":
		return s.Password, nil
	}
	a, err := p.read(ctx, workspace, mailbox)
	if err != nil {
		return "", err
	}
	if a.Host != s.Host {
		return "", fmt.Errorf("the stored password is for %s and is not sent to %s: give the password again", a.Host, s.Host)
	}
	return a.password, nil
}

// Somebody waits for a preview: it shows so many folders, those of the settings
// first, and of the others those that can be counted in this time.
const (
	previewMost   = 1000
	previewWithin = 10 * time.Second
)

// rank puts the folders that are wanted before the others.
func rank(wanted map[string]bool, l *imap.ListData) int {
	if wanted[l.Mailbox] {
		return 0
	}
	return 1
}

// preview counts what each folder holds, and how much of it the settings' folders
// would give.
func (se *session) preview(s Settings) ([]Preview, error) {
	se.begin()
	list, err := se.c.List("", "*", nil).Collect()
	if err != nil {
		return nil, fmt.Errorf("list the folders: %w", plainly(err))
	}
	wanted := map[string]bool{}
	for _, f := range s.Folders {
		wanted[f.Name] = true
	}
	list = slices.DeleteFunc(list, noSelect)
	slices.SortStableFunc(list, func(a, b *imap.ListData) int { return cmp.Compare(rank(wanted, a), rank(wanted, b)) })
	var out []Preview
	for begun := time.Now(); len(out) < min(len(list), previewMost) && (time.Since(begun) < previewWithin || wanted[list[len(out)].Mailbox]); {
		l := list[len(out)]
		v := Preview{Folder: clean(l.Mailbox), Role: roleOf(l)}
		se.begin()
		st, err := se.c.Status(l.Mailbox, &imap.StatusOptions{NumMessages: true}).Wait()
		if err != nil && !refusedBy(err) {
			return nil, fmt.Errorf("count the mails of folder %q: %w", clean(l.Mailbox), plainly(err))
		}
		if err == nil && st.NumMessages != nil {
			v.Mails = int(*st.NumMessages)
		}
		if wanted[l.Mailbox] {
			if v.ToImport, err = se.countSince(l.Mailbox, s.Since, v.Mails); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (se *session) countSince(folder string, since *time.Time, all int) (int, error) {
	if since == nil {
		return all, nil
	}
	if _, err := se.choose(folder, false); err != nil {
		return 0, err
	}
	older, err := se.olderThan(since.Add(-clockSlack))
	return max(0, all-len(older)), err
}

func noSelect(l *imap.ListData) bool {
	for _, a := range l.Attrs {
		if a == imap.MailboxAttrNoSelect || a == imap.MailboxAttrNonExistent {
			return true
		}
	}
	return false
}

// roleOf goes by what the server says of a folder (RFC 6154), or by its name.
func roleOf(l *imap.ListData) Role {
	for _, a := range l.Attrs {
		switch a {
		case imap.MailboxAttrSent:
			return Sent
		case imap.MailboxAttrJunk:
			return Junk
		}
	}
	switch l.Mailbox {
	case "Sent", "Sent Items", "Sent Messages", "INBOX.Sent":
		return Sent
	case "Junk", "Spam", "INBOX.Junk", "INBOX.Spam":
		return Junk
	}
	return Inbox
}
