package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// minToken is the least length of a token that an operator chooses: guessing one
// of this length must be hopeless even without the limit on attempts.
const minToken = 16

// An adminToken signs the installation's administrator in.
type adminToken struct {
	text string
	path string // where it is kept; "" when it was given
	made bool   // just now
}

// loadAdminToken returns the given token, the one kept in the data directory, or
// a new one that is kept there from now on.
func loadAdminToken(given, data string) (adminToken, error) {
	if given != "" {
		if len(given) < minToken {
			return adminToken{}, fmt.Errorf("the admin token has %d characters; give it %d or more, or leave it out to have one made", len(given), minToken)
		}
		return adminToken{text: given}, nil
	}
	path := filepath.Join(data, "admin-token")
	kept, err := os.ReadFile(path)
	if err == nil {
		t := adminToken{text: strings.TrimSpace(string(kept)), path: path}
		if len(t.text) < minToken {
			return adminToken{}, fmt.Errorf("%s holds no usable token: delete it to have one made", path)
		}
		return t, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return adminToken{}, fmt.Errorf("admin token: %w", err)
	}
	t := adminToken{text: "pr_" + rand.Text(), path: path, made: true}
	if err := t.keep(); err != nil {
		return adminToken{}, fmt.Errorf("keep the admin token: %w", err)
	}
	return t, nil
}

// keep writes the token beside its place and links it there: a kill in between
// leaves no half of it, and of two first starts one makes the token.
func (t adminToken) keep() error {
	f, err := os.CreateTemp(filepath.Dir(t.path), ".admin-token-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(t.text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), t.path)
}
