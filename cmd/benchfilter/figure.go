package main

import (
	"fmt"
	"math"
	"strings"

	"postroom/classify"
)

// A series is one filter's run.
type series struct {
	name string
	run  []classify.Scored
}

// The figure's size and what it shows, in pixels and per cent.
const (
	width, height            = 720, 420
	left, right, top, bottom = 70, 190, 40, 60
	least, most              = 0.01, 100.0
	firstStretch             = 50 // messages; each further stretch is twice as long
)

var colours = []string{"#0b6e4f", "#b5651d", "#5b5ea6"}

// figure draws (1-ROCA)% in stretches of a stream, both axes logarithmic.
func figure(list []series) string {
	var b strings.Builder
	n := len(list[0].run)
	x := func(messages float64) float64 {
		return left + (width-left-right)*math.Log(messages/firstStretch)/math.Log(float64(n)/firstStretch)
	}
	y := func(percent float64) float64 {
		p := min(max(percent, least), most)
		return top + (height-top-bottom)*math.Log(most/p)/math.Log(most/least)
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="22">(1-ROCA)%% by messages learned, headers as a forwarder leaves them</text>`+"\n", left)
	for p := least; p <= most*1.01; p *= 10 {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, y(p), width-right, left-8, y(p)+4, math.Round(p*1000)/1000)
	}
	for m := firstStretch; m < n; m *= 2 {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#eee"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(float64(m)), top, height-bottom, x(float64(m)), height-bottom+18, m)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">messages learned</text>`+"\n", (left+width-right)/2, height-14)
	for i, s := range list {
		colour := colours[i%len(colours)]
		var path strings.Builder
		last := 0.0
		for from := firstStretch; 2*from <= n; from *= 2 {
			to := 2 * from
			if 2*to > n {
				to = n
			}
			last = y(classify.Measure(s.run[from:to]).ROCA)
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(len(path.String()), 1)], x(math.Sqrt(float64(from)*float64(to))), last)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(math.Sqrt(float64(from)*float64(to))), last, colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), colour)
		fmt.Fprintf(&b, `<path d="M%d %dh20" stroke="%s" stroke-width="2"/><text x="%d" y="%d">%s</text>`+"\n", width-right+14, top+20+22*i, colour, width-right+40, top+24+22*i, s.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
