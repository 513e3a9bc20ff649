// Command enmime reads mail with enmime, the library that this product is measured against. It is a module of its own, so that
// Postroom's build never sees that library. Its test is the speed comparison; run by itself it writes what enmime reads from a
// folder of messages, which ingest/mail's conformance test compares with.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// An expected is what enmime reads from one message. Texts are hashes of the words in them.
type expected struct {
	Refused bool     `json:"refused,omitempty"`
	Subject string   `json:"subject"`
	From    []string `json:"from"`
	To      []string `json:"to"`
	Text    string   `json:"text"`
	HTML    string   `json:"html"`
	Parts   []string `json:"parts"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: enmime FOLDER > expected.json")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.raw"))
	if err != nil {
		return err
	}
	all := map[string]expected{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		all[strings.TrimPrefix(f, dir+"/")] = read(raw)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(all)
}

func read(raw []byte) expected {
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return expected{Refused: true}
	}
	x := expected{
		Subject: words(e.GetHeader("Subject")), From: people(e, "From"), To: people(e, "To"),
		Text: digest(strings.ReplaceAll(e.Text, "\n--\n", "\n")), HTML: digest(e.HTML),
	}
	for _, list := range [][]*enmime.Part{e.Attachments, e.Inlines, e.OtherParts} {
		for _, p := range list {
			if len(p.Content) > 0 {
				x.Parts = append(x.Parts, fmt.Sprintf("%s %s %d %x", p.ContentType, p.FileName, len(p.Content), sha256.Sum256(p.Content)))
			}
		}
	}
	if !hasPlain(e.Root) {
		x.Text = "" // enmime makes it from the HTML, in a way of its own
	}
	return x
}

func hasPlain(p *enmime.Part) bool {
	return p != nil && p.BreadthMatchFirst(func(p *enmime.Part) bool {
		return (p.ContentType == "text/plain" || p.ContentType == "") && len(bytes.TrimSpace(p.Content)) > 0
	}) != nil
}

func people(e *enmime.Envelope, name string) (list []string) {
	found, err := e.AddressList(name)
	if err != nil {
		return nil
	}
	for _, a := range found {
		list = append(list, strings.TrimSpace(words(a.Name)+" <"+strings.ToLower(a.Address)+">"))
	}
	return list
}

func words(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

func digest(s string) string {
	if s = words(s); s == "" {
		return ""
	}
	return fmt.Sprintf("%d:%.8x", len(s), sha256.Sum256([]byte(s)))
}
