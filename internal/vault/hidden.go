package vault

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "•••"

// hidden is embedded in what holds a key, so that the whole prints as ••• whatever it is printed with. Format alone would
// do for fmt; %d and its like do not ask String.
type hidden struct{}

func (hidden) Format(s fmt.State, _ rune)   { io.WriteString(s, mask) }
func (hidden) String() string               { return mask }
func (hidden) GoString() string             { return mask }
func (hidden) LogValue() slog.Value         { return slog.StringValue(mask) }
func (hidden) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }
