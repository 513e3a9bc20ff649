package tickets

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// Storable reports whether the database can keep a text and compare with it: it
// takes UTF-8 without NUL and nothing else.
func Storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// CheckText returns an *InvalidError that names the field of a text that is not
// Storable.
func CheckText(field, s string) error {
	if Storable(s) {
		return nil
	}
	return &InvalidError{field, "it holds a NUL character or is not UTF-8"}
}

// TextRefused reports whether err is the database's refusal of a text that is not
// Storable: character_not_in_repertoire and untranslatable_character.
func TextRefused(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "22021" || pe.Code == "22P05")
}
