// Package imaptest gives tests a real IMAP server and a real OpenID provider, each
// started by the test and stopped with it.
package imaptest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// A Dovecot is a running server. Any user name logs in with Password; mails are in
// Maildirs below Mails.
type Dovecot struct {
	Port, TLSPort int
	SubmitPort    int // STARTTLS, with Options.Submission
	SubmitTLSPort int
	Roots         *x509.CertPool
	Mails         string // <Mails>/<user>/Maildir

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	uid  uint32
	gid  uint32
	done chan struct{}
	sink *sink
}

// Password is everybody's.
const Password = "geheim-öä"

// Options change how a server is set up.
type Options struct {
	Introspection string // URL of a provider's token introspection, with client id and secret in it; "" for no OAuth
	Mechanisms    string // for OAuth; "xoauth2 oauthbearer" when empty
	NoIdle        bool   // leave IDLE out of what it offers
	Submission    bool   // mail can be handed in, too: see Sent
}

var config = template.Must(template.New("").Parse(`
protocols = imap{{if .Submission}} submission{{end}}
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/run
log_path = {{.Dir}}/dovecot.log
default_internal_user = {{.User}}
default_internal_group = {{.Group}}
default_login_user = {{.User}}
first_valid_uid = 1
first_valid_gid = 0
default_process_limit = 2500
default_client_limit = 5000
default_vsz_limit = 0
mail_max_userip_connections = 5000
mail_location = maildir:{{.Dir}}/mail/%u/Maildir
mailbox_idle_check_interval = 1 secs
maildir_very_dirty_syncs = no
disable_plaintext_auth = no
auth_mechanisms = plain login{{if .Introspection}} {{.Mechanisms}}{{end}}
auth_failure_delay = 0
auth_cache_size = 0
auth_worker_max_count = 10
ssl = yes
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
{{if .NoIdle}}imap_capability = IMAP4rev1 LITERAL+ UIDPLUS{{end}}
passdb {
  driver = static
  mechanisms = plain login
  args = password={{.Password}}
}
{{if .Introspection}}
passdb {
  driver = oauth2
  mechanisms = {{.Mechanisms}}
  args = {{.Dir}}/oauth2.conf.ext
}
{{end}}
userdb {
  driver = static
  args = uid={{.User}} gid={{.Group}} home={{.Dir}}/mail/%u
}
service imap-login {
  chroot =
  service_count = 0
  client_limit = 4000
  process_limit = 4
  inet_listener imap {
    address = 127.0.0.1
    port = {{.Port}}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = {{.TLSPort}}
    ssl = yes
  }
}
{{if .Submission}}
submission_relay_host = 127.0.0.1
submission_relay_port = {{.RelayPort}}
submission_relay_ssl = no
hostname = submission.test
service submission-login {
  chroot =
  inet_listener submission {
    address = 127.0.0.1
    port = {{.SubmitPort}}
  }
  inet_listener submissions {
    address = 127.0.0.1
    port = {{.SubmitTLSPort}}
    ssl = yes
  }
}
{{end}}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
  client_limit = 8000
}
service imap {
  client_limit = 1
  process_limit = 2500
}
service auth {
  user = {{.User}}
  client_limit = 6000
}
service auth-worker {
  user = {{.User}}
}
`))

var oauth2Config = template.Must(template.New("").Parse(`
introspection_mode = post
introspection_url = {{.Introspection}}
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = username
tokeninfo_url =
`))

// NewDovecot starts a server; the test is skipped where Dovecot is not installed.
func NewDovecot(t testing.TB, o Options) *Dovecot {
	t.Helper()
	if _, err := exec.LookPath("dovecot"); err != nil {
		t.Skip("no dovecot on this machine: apt-get install dovecot-imapd")
	}
	dir, err := os.MkdirTemp("", "pr-imap-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if o.Mechanisms == "" {
		o.Mechanisms = "xoauth2 oauthbearer"
	}
	d := &Dovecot{t: t, dir: dir, Mails: filepath.Join(dir, "mail"), Port: freePort(t), TLSPort: freePort(t)}
	d.uid, d.gid = uint32(os.Getuid()), uint32(os.Getgid())
	if d.uid == 0 {
		d.uid, d.gid = nobody, nobody
	}
	d.must(os.Mkdir(d.Mails, 0o755))
	d.must(os.Mkdir(filepath.Join(dir, "run"), 0o755))
	d.certificate()
	if o.Submission {
		if _, err := os.Stat("/usr/lib/dovecot/submission"); err != nil {
			t.Skip("no dovecot-submissiond on this machine: apt-get install dovecot-submissiond")
		}
		d.SubmitPort, d.SubmitTLSPort, d.sink = freePort(t), freePort(t), newSink(t)
	}
	d.configure(o)
	d.must(d.own(dir))
	d.Start()
	t.Cleanup(d.Stop)
	return d
}

func (d *Dovecot) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("dovecot: %v", err)
	}
}

func (d *Dovecot) configure(o Options) {
	names := struct {
		Options
		Dir, User, Group, Password string
		Port, TLSPort              int
		SubmitPort, SubmitTLSPort  int
		RelayPort                  int
	}{Options: o, Dir: d.dir, Port: d.Port, TLSPort: d.TLSPort, SubmitPort: d.SubmitPort, SubmitTLSPort: d.SubmitTLSPort}
	if d.sink != nil {
		names.RelayPort = d.sink.port
	}
	u, err := user.LookupId(strconv.Itoa(int(d.uid)))
	d.must(err)
	g, err := user.LookupGroupId(strconv.Itoa(int(d.gid)))
	d.must(err)
	names.User, names.Group = u.Username, g.Name
	// A passdb's arguments end at a space: the password goes through a file.
	names.Password = Password
	for name, t := range map[string]*template.Template{"dovecot.conf": config, "oauth2.conf.ext": oauth2Config} {
		var b bytes.Buffer
		d.must(t.Execute(&b, names))
		d.must(os.WriteFile(filepath.Join(d.dir, name), b.Bytes(), 0o644))
	}
}

func (d *Dovecot) certificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.must(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "imaptest"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	d.must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	d.must(err)
	d.must(os.WriteFile(filepath.Join(d.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	d.must(os.WriteFile(filepath.Join(d.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	d.Roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	d.must(err)
	d.Roots.AddCert(parsed)
}

// own gives a folder and what is in it to the user under which the server runs.
func (d *Dovecot) own(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	if err := os.Chmod(d.dir, 0o755); err != nil {
		return err
	}
	return ownTree(dir, int(d.uid))
}

// ownTree gives a folder and what is in it to a user and their group, when the
// tests run as root.
func ownTree(dir string, id int) error {
	if os.Getuid() != 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, id, id)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a lock of the server's, gone already
		}
		return err
	})
}

// Start starts the server and waits until it greets.
func (d *Dovecot) Start() {
	d.t.Helper()
	cmd := exec.Command("dovecot", "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "HOME="+d.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: d.uid, Gid: d.gid}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	d.must(cmd.Start())
	d.cmd, d.done = cmd, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(d.done)
	for deadline := time.Now().Add(30 * time.Second); ; {
		if d.greets() {
			return
		}
		select {
		case <-d.done:
			d.t.Fatalf("dovecot ended: %s\n%s", out.String(), d.Log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("dovecot does not greet\n%s", d.Log())
		}
	}
}

func (d *Dovecot) greets() bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 512)
	n, err := c.Read(b)
	return err == nil && strings.HasPrefix(string(b[:n]), "* OK")
}

// Stop ends the server and everything that it has started.
func (d *Dovecot) Stop() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(300 * time.Millisecond): // it would wait for its clients
		_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
		<-d.done
	}
	// Its children leave by themselves once it has gone; none may stay.
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	d.cmd = nil
}

// Log is what the server has written.
func (d *Dovecot) Log() string {
	b, _ := os.ReadFile(filepath.Join(d.dir, "dovecot.log"))
	return string(b)
}

// CertFile is the certificate that clients are to trust.
func (d *Dovecot) CertFile() string { return filepath.Join(d.dir, "cert.pem") }

// Folder returns the Maildir of a user's folder, and makes it if need be.
func (d *Dovecot) Folder(name, folder string) string {
	d.t.Helper()
	dir := filepath.Join(d.Mails, name, "Maildir")
	if folder != "INBOX" {
		dir = filepath.Join(dir, "."+folder)
	}
	for _, sub := range []string{"cur", "new", "tmp"} {
		if _, err := os.Stat(filepath.Join(dir, sub)); err == nil {
			continue
		}
		d.must(os.MkdirAll(filepath.Join(dir, sub), 0o700))
		d.must(d.own(filepath.Join(d.Mails, name)))
	}
	return dir
}

// Deliver puts a mail into a user's folder, as a local delivery agent does.
func (d *Dovecot) Deliver(name, folder string, mails ...string) {
	d.t.Helper()
	dir := d.Folder(name, folder)
	for _, raw := range mails {
		file := maildirName()
		tmp := filepath.Join(dir, "tmp", file)
		d.must(os.WriteFile(tmp, []byte(raw), 0o600))
		if os.Getuid() == 0 {
			d.must(os.Chown(tmp, int(d.uid), int(d.gid)))
		}
		d.must(os.Rename(tmp, filepath.Join(dir, "new", file)))
	}
}

// Renumber makes the server number a user's folder anew, under another UIDVALIDITY.
// The server must be stopped, or have nobody in the folder.
func (d *Dovecot) Renumber(name, folder string, validity uint32) {
	d.t.Helper()
	dir := d.Folder(name, folder)
	old, err := filepath.Glob(filepath.Join(dir, "dovecot*"))
	d.must(err)
	for _, f := range old {
		if !strings.Contains(filepath.Base(f), "dovecot.list") && !strings.Contains(filepath.Base(f), "dovecot-uidvalidity") {
			d.must(os.Remove(f))
		}
	}
	list := filepath.Join(dir, "dovecot-uidlist")
	d.must(os.WriteFile(list, fmt.Appendf(nil, "3 V%d N1 G%032x\n", validity, validity), 0o600))
	d.must(d.own(dir))
}

// maildirName is a file's name that nobody else chooses, as Maildir has it: seconds
// first. Courier compares the numbers before the point as ints, and loses the UIDs
// of files where that goes wrong, as it does with nanoseconds.
func maildirName() string {
	now := time.Now()
	return fmt.Sprintf("%d.M%06dP%dR%s.imaptest", now.Unix(), now.Nanosecond()/1000, os.Getpid(), rand.Text()[:12])
}

func freePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
