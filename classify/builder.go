package classify

import (
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Features returns what d offers as evidence in the given workspace. It reads a bounded part of d and cannot fail.
// The same document gives the same features for as long as the secret stays.
func (f *Filter) Features(workspace uuid.UUID, d Document) Features {
	return extract(newHashKey(f.secret, workspace), &d)
}

func extract(key hashKey, d *Document) Features {
	b := builders.Get().(*builder)
	defer builders.Put(b)
	b.reset(key)
	b.signalsOf(d)
	b.signals(d)
	b.addresses("from", d.From)
	b.addresses("reply-to", d.ReplyTo)
	b.addresses("to", d.To)
	b.text("subject:", d.Subject, maxText/8)
	b.names(d.Header)
	b.header(d.Header)
	b.parts(d.Parts)
	b.markup(d.HTML)
	textFrom := len(b.words)
	b.text("", d.Text, maxText)
	textTo := len(b.words)
	b.links(clip(d.Text, maxText))
	b.relations(d)
	b.order(d.Header)
	b.style(d.Text)
	b.patterns(d)
	fe := b.features()
	fe.textFrom, fe.textTo = textFrom, textTo
	fe.signals, fe.senders = b.signalSet, d.From
	fe.blank = strings.TrimSpace(clip(d.Subject, maxText)) == "" && strings.TrimSpace(clip(d.Text, maxText)) == "" && d.HTML == "" && len(d.Parts) < 2
	return fe
}

// coldFeatures is what a model without training needs of d: no words.
func coldFeatures(d *Document) Features {
	b := builders.Get().(*builder)
	defer builders.Put(b)
	b.signalSet = 0
	b.signalsOf(d)
	return Features{signals: b.signalSet, senders: d.From}
}

// A builder collects the features of one message. Tokens are written at the end of arena, then committed: hashed and
// kept, or taken back if they were seen before.
type builder struct {
	key       hashKey
	arena     []byte
	ends      []uint32
	words     []uint32
	grams     []uint32
	hosts     []string // that links lead to
	signalSet signalSet
	block     []byte      // scratch for the header block
	fields    []fieldName // of the header, in order
	lowered   []byte      // scratch for a name in lower case
	seen      wordSet
	grown     gramSet
}

var builders = sync.Pool{New: func() any { return new(builder) }}

func (b *builder) reset(key hashKey) {
	b.key = key
	b.arena, b.ends, b.words, b.grams = b.arena[:0], b.ends[:0], b.words[:0], b.grams[:0]
	b.signalSet = 0
	clear(b.hosts)
	b.hosts = b.hosts[:0]
	b.seen.clear()
	b.grown.clear()
}

func (b *builder) features() Features {
	ids := make([]uint32, 2*len(b.words)+len(b.grams))
	n, m := len(b.words), len(b.words)+len(b.grams)
	copy(ids, b.words)
	copy(ids[n:], b.grams)
	copy(ids[m:], b.ends)
	return Features{words: ids[:n:n], grams: ids[n:m:m], names: string(b.arena), ends: ids[m:]}
}

// start is where the token under construction begins in the arena.
func (b *builder) start() int {
	if n := len(b.ends); n > 0 {
		return int(b.ends[n-1])
	}
	return 0
}

// commit keeps the token that stands at the arena's end, unless it is known or the message has enough.
func (b *builder) commit() {
	start := b.start()
	id := b.key.word(b.arena[start:])
	if len(b.words) == maxTokens || !b.seen.add(id) {
		b.arena = b.arena[:start]
		return
	}
	b.words = append(b.words, id)
	b.ends = append(b.ends, uint32(len(b.arena)))
}

// token keeps prefix+value as one token; an overlong value is cut.
func (b *builder) token(prefix, value string) {
	b.arena = append(b.arena, prefix...)
	b.arena = append(b.arena, clip(value, 2*maxWord)...)
	b.commit()
}

// lower keeps prefix+value with ASCII letters in lower case.
func (b *builder) lower(prefix, value string) {
	b.arena = append(b.arena, prefix...)
	for i := range len(clip(value, 2*maxWord)) {
		b.arena = append(b.arena, lowerASCII(value[i]))
	}
	b.commit()
}

// size keeps prefix with the magnitude of n: the number of its binary digits.
func (b *builder) size(prefix string, n int) {
	digits := 0
	for ; n > 0; n >>= 1 {
		digits++
	}
	b.arena = append(b.arena, prefix...)
	b.arena = append(b.arena, byte('0'+digits/10), byte('0'+digits%10))
	b.commit()
}

// patterns keeps the four-byte patterns of the header and of the text.
func (b *builder) patterns(d *Document) {
	b.block = b.block[:0]
	for i, f := range d.Header {
		if len(b.block) >= maxGramHeader {
			break
		}
		if i < len(b.fields) && b.fields[i].receiving || i >= len(b.fields) && b.nameOf(f.Name).receiving {
			continue
		}
		b.block = append(b.block, clip(f.Name, maxWord)...)
		b.block = append(b.block, ": "...)
		b.block = append(b.block, clip(f.Value, maxFieldValue)...)
		b.block = append(b.block, '\n')
	}
	b.gramsOf(b.block[:min(len(b.block), maxGramHeader)])
	text := d.Text
	if text == "" {
		text = d.HTML
	}
	b.block = append(b.block[:0], clip(text, maxGramText)...)
	b.gramsOf(b.block)
}

func (b *builder) gramsOf(s []byte) {
	if len(s) < 4 {
		return
	}
	g := uint32(s[0])<<16 | uint32(s[1])<<8 | uint32(s[2])
	grams := b.grams
	for _, c := range s[3:] {
		g = g<<8 | uint32(c)
		if id := b.key.gram(g, 0); b.grown.add(id) {
			grams = append(grams, id)
		}
	}
	b.grams = grams
}

// A wordSet holds the word ids of one message by open addressing; it is emptied by raising the epoch. It has room for
// twice as many as a message may have.
type wordSet struct {
	epoch uint32
	slots [2 * maxTokens]struct{ id, epoch uint32 }
}

func (s *wordSet) clear() {
	s.epoch++
	if s.epoch == 0 {
		*s = wordSet{epoch: 1}
	}
}

// add reports whether id was not yet in s.
func (s *wordSet) add(id uint32) bool {
	for i := id >> 21; ; i++ {
		switch slot := &s.slots[i%uint32(len(s.slots))]; {
		case slot.epoch != s.epoch:
			slot.id, slot.epoch = id, s.epoch
			return true
		case slot.id == id:
			return false
		}
	}
}

// A gramSet is the same for patterns, whose ids leave the lowest bits free for the epoch: half the memory, which so
// stays in the first cache. It has room for twice as many (maxGramHeader+maxGramText) and more.
type gramSet struct {
	epoch uint32
	slots [8192]uint32
}

func (s *gramSet) clear() {
	s.epoch++
	if s.epoch == 1<<(32-gramBits) {
		*s = gramSet{epoch: 1}
	}
}

func (s *gramSet) add(id uint32) bool {
	const epochs = 1<<(32-gramBits) - 1
	entry := id | s.epoch
	for i := id >> 19; ; i++ {
		slot := &s.slots[i%uint32(len(s.slots))]
		if *slot == entry {
			return false
		}
		if *slot&epochs != s.epoch {
			*slot = entry
			return true
		}
	}
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
