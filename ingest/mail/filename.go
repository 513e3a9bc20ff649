package mail

import (
	"path"
	"strings"
	"unicode"
)

// maxFilename is the longest name given to a part, in bytes; common file systems stop at 255.
const maxFilename = 200

// safeFilename makes the name that a sender gave to a part safe to show and to save: no folders, no control or
// invisible characters (an override of the writing direction makes "fdp.exe" look like "exe.pdf"), no leading dot, not
// too long. It returns "" when nothing is left.
func safeFilename(name string) string {
	name = Clean(name)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		default:
			return r
		}
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	name = strings.TrimRight(name, ". ")
	if len(name) > maxFilename {
		ext := clip(path.Ext(name), 20)
		name = clip(name, maxFilename-len(ext)) + ext
	}
	if reserved(name) {
		name = "_" + name
	}
	return name
}

// reserved reports whether Windows would take name for a device.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '0' && stem[3] <= '9'
}
