//go:build !race

package classify_test

const underRace = false
