package classify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Features are the evidence of one message as keyed hashes: words (tokens with a meaning to people, such as a word of the
// subject or the host of a link) and grams (four-byte character patterns). Both are free of repeats.
//
// Features fresh from [Filter.Features] also hold the tokens' text, so that a score can name them; stored ones do not.
// They are read-only and may be shared.
type Features struct {
	words   []uint32
	grams   []uint32
	names   string   // text of all word tokens
	ends    []uint32 // end of token i in names; empty for stored features
	signals signalSet
	blank   bool     // nothing was written or attached; not stored
	senders []string // Document.From; not stored

	textFrom, textTo int // the words of the text among words; not stored
}

// Len returns the number of features.
func (fe Features) Len() int { return len(fe.words) + len(fe.grams) }

// Words returns the number of word tokens among the features.
func (fe Features) Words() int { return len(fe.words) }

// kept is fe as the journal keeps it.
func (fe Features) kept() Features {
	return Features{words: fe.words, grams: fe.grams, signals: fe.signals}
}

// name returns the text of word token i, or "" if it is not known.
func (fe Features) name(i int) string {
	if i >= len(fe.ends) {
		return ""
	}
	start := uint32(0)
	if i > 0 {
		start = fe.ends[i-1]
	}
	return fe.names[start:fe.ends[i]]
}

// featuresVersion opens the stored form. Forms from oldestFeatures on can still be read: 1 had no signals, 2 had two more of
// them in front.
const (
	featuresVersion = 3
	oldestFeatures  = 1
)

// maxStored bounds what UnmarshalBinary accepts, so that a damaged row cannot ask for much memory.
const maxStored = 8192

var errFeatures = errors.New("malformed features")

// MarshalBinary returns the form the journal keeps: a version byte, then words and grams, each as a count and the
// ascending ids' differences in varints. The signals follow; names are left out. About 2.5 bytes a feature.
func (fe Features) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 16+5*len(fe.words)+3*len(fe.grams))
	b = append(b, featuresVersion)
	b = appendAscending(b, fe.words, 0)
	b = appendAscending(b, fe.grams, 32-gramBits)
	b = binary.AppendUvarint(b, uint64(fe.signals))
	return b, nil
}

func appendAscending(b []byte, ids []uint32, drop uint) []byte {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	b = binary.AppendUvarint(b, uint64(len(sorted)))
	last := uint32(0)
	for _, id := range sorted {
		b = binary.AppendUvarint(b, uint64((id-last)>>drop))
		last = id
	}
	return b
}

// UnmarshalBinary reads the form that MarshalBinary writes.
func (fe *Features) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] < oldestFeatures || b[0] > featuresVersion {
		return fmt.Errorf("%w: unknown version", errFeatures)
	}
	version := b[0]
	words, b, err := cutAscending(b[1:], 0)
	if err != nil {
		return err
	}
	grams, b, err := cutAscending(b, 32-gramBits)
	if err != nil {
		return err
	}
	signals := uint64(0)
	if version > 1 {
		n := 0
		signals, n = binary.Uvarint(b)
		if version == 2 {
			signals >>= 2
		}
		if n <= 0 || signals >= 1<<signalCount {
			return fmt.Errorf("%w: signals", errFeatures)
		}
		b = b[n:]
	}
	if len(b) != 0 {
		return fmt.Errorf("%w: %d bytes too many", errFeatures, len(b))
	}
	*fe = Features{words: words, grams: grams, signals: signalSet(signals)}
	return nil
}

func cutAscending(b []byte, drop uint) (ids []uint32, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > maxStored || n > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: count", errFeatures)
	}
	b = b[used:]
	ids = make([]uint32, n)
	last := uint64(0)
	for i := range ids {
		gap, used := binary.Uvarint(b)
		last += gap << drop
		if used <= 0 || gap > 1<<32 || last > 1<<32-1 || i > 0 && gap == 0 {
			return nil, nil, fmt.Errorf("%w: id %d", errFeatures, i)
		}
		b = b[used:]
		ids[i] = uint32(last)
	}
	return ids, b, nil
}
