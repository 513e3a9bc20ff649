package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const maxKeyText = 64 << 10 // bytes; far more keys than anyone rotates

// Source says where the master keys come from: at most one of Key and KeyFile, else the file at Default. It prints as •••.
type Source struct {
	hidden
	Key     string // the key text itself (POSTROOM_KEY)
	KeyFile string // path of a file that must exist (POSTROOM_KEY_FILE)
	Default string // path in the data directory, made with a new key on first start
	Sealed  bool   // there is data under a key already, so none is made
}

// LoadMaster reads the master keys. A key text is one key per line, `postroom-key-1:<32 bytes in base64url>`: the first line
// wraps, the others still unwrap. Only the file at Default is made when it is missing
// and nothing is sealed yet; created tells that this call made it,
// which is the moment to ask for a backup: without its master key, sealed data is lost.
func LoadMaster(opt Source) (m *Master, created bool, err error) {
	switch {
	case opt.Key != "" && opt.KeyFile != "":
		return nil, false, errors.New("POSTROOM_KEY and POSTROOM_KEY_FILE are both set, and only one can hold the master key: unset one of them")
	case opt.Key != "":
		if m, err = parseMaster(opt.Key); err != nil {
			return nil, false, fmt.Errorf("master key in POSTROOM_KEY: %w", err)
		}
		return m, false, nil
	case opt.KeyFile != "":
		m, err = readKeyFile(opt.KeyFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: correct POSTROOM_KEY_FILE, or put the key file there", err)
		}
		return m, false, err
	case opt.Default != "":
		return loadDefault(opt.Default, opt.Sealed)
	}
	return nil, false, errors.New("there is no master key: set POSTROOM_KEY, or POSTROOM_KEY_FILE to the path of a key file")
}

func loadDefault(path string, sealed bool) (m *Master, created bool, err error) {
	m, err = readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if sealed {
			return nil, false, fmt.Errorf("%w: the database holds data sealed with the key that was in it, and nothing of that can be read "+
				"without it; put your backup of the file back there, or name where it is with POSTROOM_KEY_FILE", err)
		}
		if created, err = makeKeyFile(path); err != nil {
			return nil, false, fmt.Errorf("make a master key at %s: %w", path, err)
		}
		m, err = readKeyFile(path)
	}
	if err != nil {
		return nil, false, err
	}
	// Also by those who only found the file: its maker may not have come this far, and data sealed under a key that a power
	// cut takes away is lost.
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, false, fmt.Errorf("master key file %s: make it durable: %w", path, err)
	}
	return m, created, nil
}

func readKeyFile(path string) (*Master, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w: make the user who runs postroom its owner (chown)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("master key file: %w", err)
	}
	defer clear(text)
	m, err := parseMaster(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return m, nil
}

// readPrivate asks the open file for its mode, so that the file checked is the file read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory: give the path of the file in it", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others than its owner (mode %04o): run chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyText+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyText {
		return nil, fmt.Errorf("%s is larger than %d bytes, so it is no key file: correct the path", path, maxKeyText)
	}
	return text, nil
}

// makeKeyFile writes a new key beside path and links it there: the file appears whole or not at all, and when another
// process was first, its key stays and made is false.
func makeKeyFile(path string) (made bool, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return false, fmt.Errorf("%w: the data directory must exist and be writable", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(NewKey() + "\n")
	err = errors.Join(err, tmp.Chmod(0o600), tmp.Sync(), tmp.Close())
	if err != nil {
		return false, err
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: if the file system has no hard links, make the file elsewhere and set POSTROOM_KEY_FILE", err)
	}
	return true, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	// Some network file systems cannot sync a directory and say so; they keep its entries by their own rules.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
