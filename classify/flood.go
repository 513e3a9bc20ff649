package classify

import (
	"fmt"
	"slices"
	"sync"

	"postroom/internal/alert"
)

// A flood is many messages that look alike among the last ones scored: spam that goes round, or someone feeling their
// way with test mails.
const (
	floodOf    = 256 // messages looked back on
	floodAlike = 64  // so many alike are a flood
)

// A floodGate counts look-alikes among the last messages scored in one workspace. Messages are alike when the three
// smallest of their word ids are: what shares nine words in ten mostly does (Broder 1997).
type floodGate struct {
	mu    sync.Mutex
	last  [floodOf][3]uint32
	next  int
	flood *alert.Alert // waiting to be written
}

// note takes in one scored message.
func (g *floodGate) note(fe *Features, v Verdict) {
	sketch, ok := fe.sketch()
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last[g.next%floodOf] = sketch
	g.next++
	alike := 0
	for i := range g.last {
		if g.last[i] == sketch {
			alike++
		}
	}
	if alike < floodAlike {
		return
	}
	g.flood = &alert.Alert{
		Kind: alert.Flood, Target: fmt.Sprintf("look-alikes:%08x", sketch[0]),
		What:   fmt.Sprintf("%d of the last %d messages look alike; the filter holds them for %s", alike, min(g.next, floodOf), v),
		Advice: "Look at the newest messages and judge one of them. A sender that sends nothing else can be put on the block list.",
	}
	g.last, g.next = [floodOf][3]uint32{}, 0 // the next alert needs as many again
}

// take returns the alert that waits.
func (g *floodGate) take() *alert.Alert {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.flood
	g.flood = nil
	return a
}

// sketch returns the three smallest word ids; a message with very few words has none.
func (fe *Features) sketch() (s [3]uint32, ok bool) {
	const least = 12
	if len(fe.words) < least {
		return s, false
	}
	s = [3]uint32{^uint32(0), ^uint32(0), ^uint32(0)}
	for _, id := range fe.words {
		if id < s[2] {
			s[2] = id
			slices.Sort(s[:])
		}
	}
	return s, true
}
