package imaptest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that was stopped comes back soon, and lets people in at once.
func TestRestart(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, Options{})
	for range 3 {
		at := time.Now()
		d.Stop()
		stopped := time.Since(at)
		d.Start()
		started := time.Since(at)
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.Port))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		r := bufio.NewReader(c)
		_, _ = r.ReadString('\n')
		fmt.Fprintf(c, "a LOGIN u {%d+}\r\n%s\r\n", len(Password), Password)
		line, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "a OK") {
			t.Errorf("login: %q %v", line, err)
		}
		t.Logf("stopped %v, greets %v, logged in %v", stopped, started, time.Since(at))
		_ = c.Close()
	}
}
