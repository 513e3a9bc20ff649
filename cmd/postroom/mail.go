package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"postroom/ingest/mail"
)

type mailCmd struct {
	Parse mailParseCmd `cmd:"" help:"Read mails from files and print what is in them."`
	Trim  mailTrimCmd  `cmd:"" help:"Read a plain body on standard input and print what was written for it: without quotes and signatures."`
}

type mailParseCmd struct {
	Files []string `arg:"" name:"file" help:"Files with one mail each; - is standard input."`
	JSON  bool     `name:"json" help:"Print one JSON object a file, each on a line of its own, in the order of the files."`
}

// Run prints every file that can be read; afterwards the ones that cannot be are an error.
func (c *mailParseCmd) Run(std streams) error {
	out := bufio.NewWriter(std.out)
	var faults []error
	for _, file := range c.Files {
		faults = append(faults, c.one(out, std, file))
	}
	return errors.Join(append(faults, out.Flush())...)
}

// one prints one mail. A mail over its budget is printed as far as it was read,
// which is said and no error: so would the pipeline take it.
func (c *mailParseCmd) one(out io.Writer, std streams, file string) error {
	raw, err := readFile(std.in, file)
	if err != nil {
		return err
	}
	m, over := mail.Parse(raw, mail.Budget{})
	if c.JSON {
		err = printJSON(out, m)
	} else {
		err = printMail(out, file, m)
	}
	if over != nil {
		fmt.Fprintf(std.err, "postroom: %s: printed as far as it was read: %v\n", file, over)
	}
	return err
}

// readFile reads a file, or standard input for "-", up to just over the size that a mail may have.
func readFile(stdin io.Reader, file string) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read mail: %w", err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, mail.DefaultBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read mail %s: %w", file, err)
	}
	return raw, nil
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printMail prints a mail for people.
func printMail(out io.Writer, file string, m *mail.Mail) error {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s%s\n", name+":", value)
		}
	}
	line("File", file)
	line("From", people(m.From))
	line("To", people(m.To))
	line("Cc", people(m.Cc))
	line("Subject", m.Subject)
	if !m.Date.IsZero() {
		line("Date", m.Date.Format(time.RFC1123Z))
	}
	line("Message-ID", m.MessageID)
	line("Automatic", m.Automatic.Kind)
	for _, r := range m.Automatic.Recipients {
		line("  about", strings.Join(strings.Fields(r.Address+" "+r.Reason+" "+r.ReplyCode+" "+r.Status), " "))
	}
	if f := m.Forward(); f != nil {
		line("Forwards", strings.TrimSpace(people(f.From)+", "+f.Sent+": "+f.Subject))
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; !p.Body {
			line("Part", strings.TrimSpace(fmt.Sprintf("%s, %d bytes %s", p.ContentType, p.Size, p.Filename)))
		}
	}
	for _, d := range m.Defects {
		line("Defect", strings.TrimSpace(d.Kind+" "+d.Detail))
	}
	fmt.Fprintf(&b, "\n%s\n\n", m.FreshText())
	if quoted := m.Reply().Quoted(); quoted != "" {
		fmt.Fprintf(&b, "[%d lines folded]\n\n", strings.Count(quoted, "\n")+1)
	}
	_, err := io.WriteString(out, printable(b.String()))
	return err
}

func people(list []mail.Address) string {
	var names []string
	for _, a := range list {
		names = append(names, strings.TrimSpace(a.Name+" <"+a.Email+">"))
	}
	return strings.Join(names, ", ")
}

// printable takes out what could give orders to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

type mailTrimCmd struct {
	JSON bool `name:"json" help:"Print an object with fresh_text, quoted_text and all segments instead."`
}

// Run trims what comes on standard input.
func (c *mailTrimCmd) Run(std streams) error {
	raw, err := readFile(std.in, "-")
	if err != nil {
		return err
	}
	if len(raw) > mail.DefaultBytes {
		return fmt.Errorf("trim: the text has more than %d bytes, the most that a mail may have", mail.DefaultBytes)
	}
	r := mail.Trim(mail.Clean(strings.ReplaceAll(string(raw), "\r\n", "\n")))
	if c.JSON {
		return printJSON(std.out, struct {
			Fresh    string         `json:"fresh_text"`
			Quoted   string         `json:"quoted_text"`
			Segments []mail.Segment `json:"segments"`
		}{r.Fresh(), r.Quoted(), r.Segments})
	}
	if fresh := r.Fresh(); fresh != "" {
		_, err = fmt.Fprintln(std.out, fresh)
	}
	return err
}
