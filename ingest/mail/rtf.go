package mail

import "encoding/binary"

// rtfDictionary is what a reader and a writer of compressed RTF both know before the first byte ([MS-OXRTFCP] §2.1.2.1).
const rtfDictionary = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
	"\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

const (
	rtfPacked = 0x75465a4c
	rtfPlain  = 0x414c454d
	rtfWindow = 4096
	// rtfGrowth bounds what unpacking may make of its input; text seldom shrinks to less than a third.
	rtfGrowth = 3
)

// unpackRTF returns the RTF in the form that Outlook packs it into, or nil.
func unpackRTF(data []byte) []byte {
	if len(data) < 16 {
		return nil
	}
	magic := binary.LittleEndian.Uint32(data[8:])
	size := int64(binary.LittleEndian.Uint32(data[4:]))
	data = data[16:]
	if magic == rtfPlain {
		return data[:min(size, int64(len(data)))]
	}
	if magic != rtfPacked {
		return nil
	}
	limit := int(min(size, int64(rtfGrowth*len(data)), tnefLimit))
	var window [rtfWindow]byte
	at := copy(window[:], rtfDictionary)
	out := make([]byte, 0, limit)
	put := func(c byte) {
		window[at&(rtfWindow-1)] = c
		at++
		out = append(out, c)
	}
	for len(data) > 0 && len(out) < limit {
		control := data[0]
		data = data[1:]
		for bit := 0; bit < 8 && len(data) > 0 && len(out) < limit; bit++ {
			if control>>bit&1 == 0 {
				put(data[0])
				data = data[1:]
			} else if len(data) < 2 {
				return out
			} else {
				from, n := int(data[0])<<4|int(data[1])>>4, int(data[1]&15)+2
				data = data[2:]
				if from == at&(rtfWindow-1) { // the mark of the end
					return out
				}
				for i := 0; i < n && len(out) < limit; i++ {
					put(window[(from+i)&(rtfWindow-1)])
				}
			}
		}
	}
	return out
}
