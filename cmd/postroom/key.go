package main

import (
	"context"
	"fmt"

	"postroom/internal/vault"
)

type keyCmd struct{}

// Run prints a new master key. Nothing is stored: where it goes is the
// operator's choice.
func (keyCmd) Run(_ context.Context, std streams) error {
	_, err := fmt.Fprintln(std.out, vault.NewKey())
	return err
}
