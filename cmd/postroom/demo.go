package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postroom/classify"
	"postroom/ingest"
	"postroom/tickets"
)

type demoCmd struct {
	Mails string `help:"Folder of the mails that are sent into an empty database." default:"testdata/mail" env:"POSTROOM_DEMO_MAILS" type:"path" placeholder:"DIR"`
	serveCmd
}

// The mailboxes of the demonstration.
const (
	demoSupport = "support@demo.postroom.test"
	demoBilling = "billing@demo.postroom.test"
)

// Run serves, and fills an empty database with something to look at.
func (c *demoCmd) Run(ctx context.Context, g *globals, std streams) error {
	return c.serve(ctx, g, std, func(ctx context.Context, s *serving) error {
		err := c.show(ctx, s, std)
		if ctx.Err() != nil {
			return nil // stopped in the middle: the next start finds what was sent
		}
		return err
	})
}

func (c *demoCmd) show(ctx context.Context, s *serving, std streams) error {
	list, err := s.desk.Workspaces(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 && s.smtpAddr != nil {
		w, err := c.fill(ctx, s, std)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		list = append(list, w)
	}
	for _, w := range list {
		if err := s.print(ctx, w, std); err != nil {
			return err
		}
	}
	if s.httpLis != nil {
		fmt.Fprintf(std.out, "\nPages    %s\nAPI      %s/api/v1 (described at /api/v1/openapi.yaml)\nMetrics  %s/metrics\nToken    %s\n",
			s.url(), s.url(), s.url(), s.token.where())
	}
	fmt.Fprintln(std.out, "Ctrl-C stops it; the next start finds everything again.")
	return nil
}

// where is the token as far as it may be printed: a given one is known to whoever
// gave it.
func (t adminToken) where() string {
	if t.path == "" {
		return "(as given)"
	}
	return t.text
}

// fill makes a workspace with two mailboxes and sends the mails through the SMTP
// port, as anybody would.
func (c *demoCmd) fill(ctx context.Context, s *serving, std streams) (tickets.Workspace, error) {
	files, err := filepath.Glob(filepath.Join(c.Mails, "*.eml"))
	if err != nil || len(files) == 0 {
		return tickets.Workspace{}, fmt.Errorf("no mails (*.eml) in %s: name their folder with --mails", c.Mails)
	}
	slices.Sort(files)
	w, err := s.desk.CreateWorkspace(ctx, "demo", "Demo")
	if err != nil {
		return w, err
	}
	for address, name := range map[string]string{demoSupport: "Support", demoBilling: "Billing"} {
		if _, err := s.desk.CreateMailbox(ctx, w.ID, "demo", address, name); err != nil {
			return w, err
		}
	}
	fmt.Fprintf(std.out, "Sending %d mails to %s …\n", len(files), s.smtpAddr)
	var spam []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return w, err
		}
		if err := sendMail(ctx, s.smtpAddr.String(), raw); err != nil {
			return w, fmt.Errorf("send %s: %w", f, err)
		}
		if strings.Contains(filepath.Base(f), "-spam-") {
			spam = append(spam, messageID(raw))
		}
	}
	if err := s.quiet(ctx, w); err != nil {
		return w, err
	}
	return w, c.judgeSpam(ctx, s, w, spam)
}

// quiet waits until no message of the workspace waits.
func (in *instance) quiet(ctx context.Context, w tickets.Workspace) error {
	for {
		l, err := in.pipeline.Ledger(ctx, w.ID)
		if err != nil {
			return err
		}
		if l.Waiting[ingest.Received]+l.Waiting[ingest.Parsed]+l.Waiting[ingest.Scored] == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// judgeSpam says of the mails that are spam that they are, as an agent would on
// the first day: a filter that has learned nothing calls nothing spam.
func (c *demoCmd) judgeSpam(ctx context.Context, s *serving, w tickets.Workspace, spam []string) error {
	filed := ingest.Filed
	list, err := s.pipeline.Messages(ctx, w.ID, ingest.MessageFilter{Stage: &filed, Limit: 200})
	if err != nil {
		return err
	}
	for _, m := range list {
		if !slices.Contains(spam, m.MailID) {
			continue
		}
		if _, err := s.pipeline.Judge(ctx, w.ID, "demo", m.ID, classify.Spam); err != nil {
			return err
		}
	}
	return nil
}

// messageID is the Message-ID of a mail of ours.
func messageID(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	return strings.Trim(m.Header.Get("Message-ID"), "<> ")
}

// sendMail sends a mail to the mailbox that its file is for.
func sendMail(ctx context.Context, addr string, raw []byte) error {
	to := demoSupport
	if head, _, _ := strings.Cut(string(raw), "\n\n"); strings.Contains(head, demoBilling) {
		to = demoBilling
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	cl, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return err
	}
	defer func() { _ = cl.Close() }()
	if err := cl.Mail("demo@example.test"); err != nil {
		return err
	}
	if err := cl.Rcpt(to); err != nil {
		return err
	}
	body, err := cl.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(raw); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return cl.Quit()
}

// print shows a workspace's tickets and what else became of its mail.
func (s *serving) print(ctx context.Context, w tickets.Workspace, std streams) error {
	l, err := s.pipeline.Ledger(ctx, w.ID)
	if err != nil {
		return err
	}
	list, err := s.desk.Tickets(ctx, w.ID, tickets.Filter{Limit: 30})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "\n%s: %d mails, %d filed on %d tickets, %d held, %d duplicates, %d failed\n",
		w.Name, l.Stored, l.Filed, l.Tickets, l.Held, l.Duplicate, l.Failed)
	for _, t := range list {
		fmt.Fprintf(std.out, "  #%-4d %-7s %2d  %-28.28s %s\n", t.Number, t.Status, t.Messages, t.RequesterEmail, t.Subject)
	}
	if len(list) == 0 {
		slog.InfoContext(ctx, "no tickets yet", "workspace", w.ID)
	}
	return nil
}
