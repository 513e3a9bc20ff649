package imaptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Courier is Courier-IMAP: an IMAP server that shares no code with Dovecot. It
// hands a process to each connection that has logged in; logging in is done here,
// because Courier's own does it as root only. Everything after that is Courier's.
type Courier struct {
	Port  int
	Mails string // <Mails>/<user>/Maildir

	t      testing.TB
	binary string
	env    []string
	mu     sync.Mutex
	l      net.Listener
	open   map[net.Conn]bool
	wg     sync.WaitGroup
	errs   strings.Builder
}

// NewCourier starts a server; the test is skipped where Courier is not there.
// Debian does not let its package be installed beside Dovecot's, so it is looked
// for where it is unpacked, too: POSTROOM_COURIER names the folder.
func NewCourier(t testing.TB) *Courier {
	t.Helper()
	root := os.Getenv("POSTROOM_COURIER")
	binary := filepath.Join("/", root, "usr/bin/imapd")
	if out, err := exec.Command("grep", "-c", "Courier-IMAP", binary).Output(); err != nil {
		t.Skipf("no Courier-IMAP (%s): .ci/courier unpacks it for POSTROOM_COURIER %s", binary, out)
	}
	dir, err := os.MkdirTemp("", "pr-courier-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	libs, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu"))
	if err != nil {
		t.Fatal(err)
	}
	c := &Courier{
		t: t, binary: binary, Mails: dir, Port: freePort(t), open: map[net.Conn]bool{},
		env: []string{
			"LD_LIBRARY_PATH=" + strings.Join(append(libs, filepath.Join(root, "usr/lib")), ":"),
			"IMAP_CAPABILITY=IMAP4rev1 " + courierOffers, "IMAP_ENHANCEDIDLE=1", "IMAP_IDLE_TIMEOUT=60",
			"GAM_CLIENT_ID=" + filepath.Base(dir), "IMAP_KEYWORDS=1", "IMAP_USELOCKS=1", "IMAP_CHECK_ALL_FOLDERS=0", "IMAP_MAILBOX_SANITY_CHECK=0", "TCPREMOTEIP=127.0.0.1",
		},
	}
	c.watchFiles(filepath.Join("/", root, "usr/libexec/gam_server"), filepath.Base(dir))
	c.Start()
	t.Cleanup(c.Stop)
	return c
}

const courierOffers = "UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT SORT QUOTA IDLE"

// watchFiles starts the daemon that tells Courier of changed files. Without it
// each connection looks for one for seconds.
func (c *Courier) watchFiles(gamin, id string) {
	c.t.Helper()
	cmd := exec.Command(gamin, "--notimeout", id)
	cmd.Env = c.env
	cmd.SysProcAttr = c.lowly()
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("courier: %v", err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// lowly has a process run as nobody when the tests run as root.
func (c *Courier) lowly() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// Start opens the port.
func (c *Courier) Start() {
	c.t.Helper()
	var lc net.ListenConfig
	var l net.Listener
	var err error
	for range 100 { // the port was ours, and is left within moments
		if l, err = lc.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		c.t.Fatalf("courier: %v", err)
	}
	c.mu.Lock()
	c.l = l
	c.mu.Unlock()
	c.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.open[conn] = true
			c.mu.Unlock()
			c.wg.Go(func() {
				c.serve(conn)
				c.close(conn)
			})
		}
	})
}

// close ends a connection. Its process notices, as it would with Courier's own
// log-in: killed, it could leave a folder half numbered.
func (c *Courier) close(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = conn.Close()
	delete(c.open, conn)
}

// Stop ends the server and all its processes.
func (c *Courier) Stop() {
	c.mu.Lock()
	var all []net.Conn
	if c.l != nil {
		_ = c.l.Close()
		c.l = nil
	}
	for conn := range c.open {
		all = append(all, conn)
	}
	c.mu.Unlock()
	for _, conn := range all {
		c.close(conn)
	}
	c.wg.Wait()
}

// Log is what the server has written.
func (c *Courier) Log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errs.String()
}

// Write takes what a process writes to its log.
func (c *Courier) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.errs.Write(b)
}

// serve logs a client in and leaves it to a process of Courier's.
func (c *Courier) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	tag, user, err := login(in, conn)
	if err != nil {
		return
	}
	cmd := exec.Command(c.binary, "Maildir")
	cmd.Dir = filepath.Join(c.Mails, user)
	cmd.Env = append([]string{"AUTHENTICATED=" + user, "AUTHADDR=" + user, "HOME=" + cmd.Dir}, c.env...)
	cmd.Stderr, cmd.SysProcAttr = c, c.lowly()
	to, err1 := cmd.StdinPipe()
	from, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		_, _ = fmt.Fprintf(conn, "* BYE %v\r\n", err)
		return
	}
	out := bufio.NewReader(from)
	for { // it greets as one who knows the client; the client knows that by our answer
		line, err := out.ReadString('\n')
		if err != nil {
			break
		}
		if strings.HasPrefix(line, "* PREAUTH") {
			_, _ = fmt.Fprintf(conn, "%s OK LOGIN Ok.\r\n", tag)
			break
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(to, in)
		_ = to.Close()
	}()
	_, _ = io.Copy(conn, out)
	_ = conn.Close()
	_ = from.Close()
	<-done
	_ = cmd.Wait()
}

// nobody is the user under which servers run when the tests run as root.
const nobody = 65534

// login speaks with a client until it has given the password, by LOGIN.
func login(in *bufio.Reader, out io.Writer) (tag, user string, err error) {
	const offer = "CAPABILITY IMAP4rev1 " + courierOffers
	if _, err := fmt.Fprintf(out, "* OK [%s] Courier-IMAP ready.\r\n", offer); err != nil {
		return "", "", err
	}
	for {
		words, err := command(in, out)
		if err != nil || len(words) < 2 {
			return "", "", errors.Join(err, io.EOF)
		}
		switch verb := strings.ToUpper(words[1]); {
		case verb == "LOGIN" && len(words) == 4 && words[3] == Password && !strings.ContainsAny(words[2], "/."):
			return words[0], words[2], nil
		case verb == "CAPABILITY":
			_, err = fmt.Fprintf(out, "* %s\r\n%s OK CAPABILITY completed\r\n", offer, words[0])
		case verb == "NOOP":
			_, err = fmt.Fprintf(out, "%s OK NOOP completed\r\n", words[0])
		default:
			_, err = fmt.Fprintf(out, "%s NO [AUTHENTICATIONFAILED] Login failed.\r\n", words[0])
		}
		if err != nil {
			return "", "", err
		}
	}
}

// command reads the words of one command: atoms, quoted strings and literals.
func command(in *bufio.Reader, out io.Writer) (words []string, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil || len(line) > 10_000 {
			return nil, errors.Join(err, io.EOF)
		}
		line = strings.TrimRight(line, "\r\n")
		head, literal, ok := strings.Cut(line, "{")
		words = append(words, split(head)...)
		if !ok {
			return words, nil
		}
		n, err := strconv.Atoi(strings.TrimRight(literal, "+}"))
		if err != nil || n > 1000 {
			return nil, io.EOF
		}
		if !strings.HasSuffix(literal, "+}") {
			if _, err := io.WriteString(out, "+ go on\r\n"); err != nil {
				return nil, err
			}
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		words = append(words, string(b))
	}
}

func split(s string) (words []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] != '"' {
			word, rest, _ := strings.Cut(s, " ")
			words, s = append(words, word), rest
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
		}
		words, s = append(words, b.String()), s[min(i+1, len(s)):]
	}
	return words
}

// Folder returns the Maildir of a user's folder, and makes it if need be.
func (c *Courier) Folder(name, folder string) string {
	c.t.Helper()
	dir := filepath.Join(c.Mails, name, "Maildir")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+strings.TrimPrefix(folder, "INBOX."))
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if _, err := os.Stat(filepath.Join(dir, sub)); err == nil {
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, sub), 0o700), ownTree(c.Mails, nobody)); err != nil {
			c.t.Fatalf("courier: %v", err)
		}
	}
	return dir
}

// Deliver puts a mail into a user's folder, as a local delivery agent does.
func (c *Courier) Deliver(name, folder string, mails ...string) {
	c.t.Helper()
	dir := c.Folder(name, folder)
	for _, raw := range mails {
		file := maildirName()
		tmp := filepath.Join(dir, "tmp", file)
		err := os.WriteFile(tmp, []byte(raw), 0o600)
		if os.Getuid() == 0 {
			err = errors.Join(err, os.Chown(tmp, nobody, nobody))
		}
		if err = errors.Join(err, os.Rename(tmp, filepath.Join(dir, "new", file))); err != nil {
			c.t.Fatalf("courier: %v", err)
		}
	}
}

// Renumber makes the server number a user's folder anew, under another UIDVALIDITY.
// The server must be stopped, or have nobody in the folder.
func (c *Courier) Renumber(name, folder string, validity uint32) {
	c.t.Helper()
	db := filepath.Join(c.Folder(name, folder), "courierimapuiddb")
	if err := errors.Join(os.WriteFile(db, fmt.Appendf(nil, "1 %d 1\n", validity), 0o600), ownTree(c.Mails, nobody)); err != nil {
		c.t.Fatalf("courier: %v", err)
	}
}
