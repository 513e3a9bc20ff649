package mail

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mime4jMail is what an expected file of the mime4j set holds: the fields of the message's own header, and the leaves in
// order, those of attached messages among them.
type mime4jMail struct {
	fields []string
	leaves []mime4jLeaf
}

type mime4jLeaf struct {
	kind, file string
	text       bool
}

// readMime4j reads an expected file. It is not quite XML: bytes beyond ASCII stand in it as they came.
func readMime4j(data string) (m mime4jMail) {
	var header []string
	headers := 0
	for data != "" {
		var tag string
		_, data, _ = strings.Cut(data, "<")
		tag, data, _ = strings.Cut(data, ">")
		name, rest, _ := strings.Cut(tag, " ")
		switch name {
		case "header":
			header = nil
		case "field":
			var value string
			value, data, _ = strings.Cut(data, "</field")
			header = append(header, html.UnescapeString(strings.TrimPrefix(value, "\n")))
		case "/header":
			if headers++; headers == 1 {
				m.fields = header
			}
		case "text-body", "binary-body":
			_, file, _ := strings.Cut(rest, `name="`)
			file, _, _ = strings.Cut(file, `"`)
			m.leaves = append(m.leaves, mime4jLeaf{kind: claimIn(header), file: file, text: name == "text-body"})
			header = nil
		}
	}
	return m
}

// claimIn returns the content type that a header claims.
func claimIn(header []string) string {
	for _, f := range header {
		name, value, _ := strings.Cut(f, ":")
		if strings.EqualFold(strings.TrimSpace(name), "content-type") {
			kind, _ := parseParams(string(unfold([]byte(value))))
			return kind
		}
	}
	return ""
}

// flat returns a message's leaves, those of attached messages in place of these.
func flat(t *testing.T, m *Mail) (parts []*Part) {
	t.Helper()
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.ContentType != "message/rfc822" {
			parts = append(parts, p)
			continue
		}
		raw, err := io.ReadAll(p.Open())
		if err != nil {
			t.Fatal(err)
		}
		inner, err := Parse(raw, Budget{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, flat(t, inner)...)
	}
	return parts
}

func TestMime4j(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(corpora(t), "parser", "mime4j")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*_decoded.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no expected results in %s: %v", dir, err)
	}
	c := newTally()
	for _, file := range files {
		base := strings.TrimSuffix(file, "_decoded.xml")
		name := strings.TrimPrefix(base, dir+"/")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := readMime4j(string(data))
		m := parseFile(t, base+".msg")
		check := func(what, got, want string) { c.check(t, name, what, got, want) }
		compareFields(m, want.fields, check)
		compareLeaves(t, flat(t, m), want.leaves, filepath.Dir(file), check)
	}
	c.hold(t, 95, mime4jExplained)
}

// compareFields compares the header's fields, unfolded, with white space counting once.
func compareFields(m *Mail, want []string, check func(what, got, want string)) {
	var got, expected []string
	for _, f := range m.Header {
		got = append(got, strings.ToLower(f.Name)+":"+squeeze(f.raw))
	}
	for _, f := range want {
		name, value, _ := strings.Cut(f, ":")
		expected = append(expected, strings.ToLower(strings.TrimSpace(name))+":"+squeeze(fieldBytes([]byte(value))))
	}
	check("header", strings.Join(got, "\n"), strings.Join(expected, "\n"))
}

func compareLeaves(t *testing.T, parts []*Part, want []mime4jLeaf, dir string, check func(what, got, want string)) {
	t.Helper()
	var kinds, wantKinds, contents, wantContents []string
	for _, p := range parts {
		if p.encoding == encodingUU && p.Disposition == "attachment" && p.ContentType == "application/octet-stream" {
			continue // out of a text, which is there whole
		}
		data, err := io.ReadAll(p.Open())
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, p.ContentType)
		contents = append(contents, digest(data, p.isTextual()))
	}
	for _, leaf := range want {
		data, err := os.ReadFile(filepath.Join(dir, leaf.file))
		if err != nil {
			t.Fatal(err)
		}
		kind := leaf.kind
		if kind == "" || kind == "text" {
			kind = "text/plain"
		}
		wantKinds = append(wantKinds, kind)
		wantContents = append(wantContents, digest(data, leaf.text))
	}
	check("types", strings.Join(kept(kinds, wantKinds), " "), strings.Join(wantKinds, " "))
	check("contents", strings.Join(kept(contents, wantContents), " "), strings.Join(wantContents, " "))
}

// kept returns want when all of it is in got, in that order, and got otherwise: parts that the set's maker drops, such as the text
// of a multipart whose boundary never comes, are no disagreement.
func kept(got, want []string) []string {
	i := 0
	for _, g := range got {
		if i < len(want) && g == want[i] {
			i++
		}
	}
	if i == len(want) {
		return want
	}
	return got
}

// digest stands for content; the line endings of text do not count.
func digest(data []byte, text bool) string {
	if text {
		data = bytes.TrimRight(bytes.ReplaceAll(data, []byte("\r"), nil), "\n")
	}
	return fmt.Sprintf("%d:%.4x", len(data), sha256.Sum256(data))
}
