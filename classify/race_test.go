//go:build race

package classify_test

// underRace tells long single-threaded tests that the race detector makes them ten times slower and learns nothing there.
const underRace = true
