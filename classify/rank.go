package classify

import (
	"math"
	"math/bits"
)

// A rank turns one member's raw scores into calibrated log-odds by the scores that earlier messages got before they
// were learned (Lynam and Cormack 2006): log((spam at or below + ½) / (ham at or above + ½)). Within a bin the counts are
// spread evenly, so the result is continuous and never falls as the score rises.
type rank struct {
	spam, ham histogram
}

// rankBins is the number of bins of a rank. Scores are squeezed into (-1, 1), most finely near zero.
const rankBins = 2048

// place returns where score s lies: the bin and the fraction of it that lies below.
func place(s, scale float64) (bin int, fraction float64) {
	x := (s/(scale+math.Abs(s)) + 1) * (rankBins / 2)
	bin = min(max(int(x), 0), rankBins-1)
	return bin, min(max(x-float64(bin), 0), 1)
}

// logOdds returns the calibrated log-odds of score s; 0 before anything was learned.
func (r *rank) logOdds(s, scale float64) float64 {
	bin, fraction := place(s, scale)
	spam := float64(r.spam.below(bin)) + float64(fraction*float64(r.spam.count(bin)))
	ham := float64(r.ham.total()-r.ham.below(bin)) - float64(fraction*float64(r.ham.count(bin)))
	return math.Log((spam + 0.5) / (ham + 0.5))
}

func (r *rank) learn(s, scale float64, spam bool) {
	bin, _ := place(s, scale)
	if spam {
		r.spam.add(bin)
	} else {
		r.ham.add(bin)
	}
}

// A histogram counts scores in bins as a Fenwick tree (Fenwick 1994): adding and summing a prefix cost log₂(rankBins).
type histogram struct {
	tree [rankBins + 1]uint32
	sum  uint32
}

func (h *histogram) total() uint32 { return h.sum }

func (h *histogram) add(bin int) { h.addN(bin, 1) }

func (h *histogram) addN(bin int, n uint32) {
	h.sum += n
	for i := bin + 1; i <= rankBins; i += i & -i {
		h.tree[i] += n
	}
}

// below returns how many scores lie in the bins before bin.
func (h *histogram) below(bin int) (n uint32) {
	for i := bin; i > 0; i &= i - 1 {
		n += h.tree[i]
	}
	return n
}

// count returns how many scores lie in bin.
func (h *histogram) count(bin int) uint32 {
	n := h.tree[bin+1]
	for width := bits.TrailingZeros(uint(bin + 1)); width > 0; width-- {
		n -= h.tree[bin+1-1<<(width-1)]
	}
	return n
}
