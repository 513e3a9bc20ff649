// Package trec reads labelled mail the way the TREC spam track lays it out: an index with one line for each message,
// "spam path" or "ham path", in the order of arrival, and the messages in a folder or a tar.
//
// A source holds one message at a time in memory, whatever the order of the index. It never changes what it reads.
package trec

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// An Item is one line of an index.
type Item struct {
	Spam bool
	Path string // as the index has it
}

// maxLine is the longest line of an index.
const maxLine = 64 << 10

// ReadIndex reads an index. Labels may be in any case, lines may end with CRLF, empty lines and a byte order mark are
// passed over.
func ReadIndex(path string) ([]Item, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer func() { _ = f.Close() }()
	var items []Item
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" {
			continue
		}
		item, ok := parseLine(line)
		if !ok {
			return nil, fmt.Errorf("%s:%d: %.80q is not a label (ham or spam) and a path", path, n, line)
		}
		items = append(items, item)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("index %s: %w", path, err)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("index %s names no message", path)
	}
	return items, nil
}

func parseLine(line string) (Item, bool) {
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return Item{}, false
	}
	path := strings.TrimSpace(line[end:])
	switch strings.ToLower(line[:end]) {
	case "spam":
		return Item{true, path}, path != ""
	case "ham":
		return Item{false, path}, path != ""
	}
	return Item{}, false
}
