package imappoll

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"postroom/tickets"
)

// A Candidate is a server that an address may be polled at.
type Candidate struct {
	Server
	Provider string // "google" or "microsoft" when it is one of them, which wants OAuth
	From     string // how it was found, for people
}

// A Discovery finds the server for an address. Its zero value asks the system's
// resolver and the world.
type Discovery struct {
	Resolver interface { // nil: the system's
		LookupMX(ctx context.Context, domain string) ([]*net.MX, error)
		LookupSRV(ctx context.Context, service, proto, domain string) (string, []*net.SRV, error)
	}
	HTTP *http.Client // nil: one that reaches no address of our own network
}

const (
	discoverWithin = 10 * time.Second
	maxAutoconfig  = 64 << 10 // bytes of an answer
)

// known are the servers of those who have many mailboxes, by the domain of the
// address. An address elsewhere may be theirs too: see byMX.
var known = map[string]Candidate{
	"gmail.com": google, "googlemail.com": google,
	"outlook.com": microsoft, "hotmail.com": microsoft, "live.com": microsoft, "msn.com": microsoft,
	"yahoo.com": plain("imap.mail.yahoo.com"), "ymail.com": plain("imap.mail.yahoo.com"), "aol.com": plain("imap.aol.com"),
	"icloud.com": plain("imap.mail.me.com"), "me.com": plain("imap.mail.me.com"), "mac.com": plain("imap.mail.me.com"),
	"gmx.de": plain("imap.gmx.net"), "gmx.net": plain("imap.gmx.net"), "gmx.at": plain("imap.gmx.net"), "gmx.ch": plain("imap.gmx.net"), "gmx.com": plain("imap.gmx.com"),
	"web.de": plain("imap.web.de"), "t-online.de": plain("secureimap.t-online.de"), "posteo.de": plain("posteo.de"), "mailbox.org": plain("imap.mailbox.org"),
	"fastmail.com": plain("imap.fastmail.com"), "zoho.com": plain("imap.zoho.com"), "yandex.ru": plain("imap.yandex.ru"), "mail.ru": plain("imap.mail.ru"),
	"orange.fr": plain("imap.orange.fr"), "free.fr": plain("imap.free.fr"), "libero.it": plain("imapmail.libero.it"), "seznam.cz": plain("imap.seznam.cz"), "wp.pl": plain("imap.wp.pl"),
}

var (
	google    = Candidate{Server: Server{Host: "imap.gmail.com", Port: 993, Security: TLS, Auth: OAuth}, Provider: "google"}
	microsoft = Candidate{Server: Server{Host: "outlook.office365.com", Port: 993, Security: TLS, Auth: OAuth}, Provider: "microsoft"}
)

func plain(host string) Candidate {
	return Candidate{Server: Server{Host: host, Port: 993, Security: TLS, Auth: Password}}
}

// mxOf are the mail exchangers by which a domain shows whose customer it is.
var mxOf = map[string]Candidate{
	"google.com": google, "googlemail.com": google, "outlook.com": microsoft, "messagingengine.com": plain("imap.fastmail.com"),
	"zoho.com": plain("imap.zoho.com"), "zoho.eu": plain("imap.zoho.eu"), "icloud.com": plain("imap.mail.me.com"),
	"mailbox.org": plain("imap.mailbox.org"), "kundenserver.de": plain("imap.ionos.de"), "ovh.net": plain("ssl0.ovh.net"), "gandi.net": plain("mail.gandi.net"), "one.com": plain("imap.one.com"),
}

// Find returns the servers that an address may be polled at, the likeliest first:
// what is known, what the domain itself says (autoconfig, then RFC 6186), what its
// mail exchanger tells, and last two guesses.
func (d Discovery) Find(ctx context.Context, address string) ([]Candidate, error) {
	address, err := tickets.NormaliseAddress(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*discoverWithin)
	defer cancel()
	local, domain, _ := strings.Cut(address, "@")
	var list []Candidate
	if c, ok := known[domain]; ok {
		c.From = "known for " + domain
		list = append(list, c)
	} else {
		list = slices.Concat(d.autoconfig(ctx, address, domain), d.srv(ctx, domain), d.byMX(ctx, domain))
		for _, name := range []string{"imap.", "mail."} {
			c := plain(name + domain)
			c.From = "a guess"
			list = append(list, c)
		}
	}
	var found []Candidate
	for _, c := range list {
		c.Username = cmp.Or(expand(c.Username, address, local, domain), address)
		c.Host = expand(c.Host, address, local, domain)
		same := func(o Candidate) bool { return o.Host == c.Host && o.Port == c.Port }
		if c.check() == nil && c.Security != None && !slices.ContainsFunc(found, same) {
			found = append(found, c)
		}
	}
	return found, nil
}

// expand fills in what autoconfig leaves open.
func expand(s, address, local, domain string) string {
	return strings.NewReplacer("%EMAILADDRESS%", address, "%EMAILLOCALPART%", local, "%EMAILDOMAIN%", domain).Replace(s)
}

func (d Discovery) byMX(ctx context.Context, domain string) []Candidate {
	var list []*net.MX
	var err error
	if d.Resolver != nil {
		list, err = d.Resolver.LookupMX(ctx, domain)
	} else {
		list, err = net.DefaultResolver.LookupMX(ctx, domain)
	}
	if err != nil {
		return nil
	}
	for _, mx := range list {
		host := strings.ToLower(strings.TrimSuffix(mx.Host, "."))
		for suffix, c := range mxOf {
			if host == suffix || strings.HasSuffix(host, "."+suffix) {
				c.From = "its mail exchanger is " + host
				return []Candidate{c}
			}
		}
	}
	return nil
}

// srv asks the domain's own records (RFC 6186).
func (d Discovery) srv(ctx context.Context, domain string) []Candidate {
	var found []Candidate
	for _, s := range []struct {
		service  string
		security Security
	}{{"imaps", TLS}, {"imap", STARTTLS}} {
		var list []*net.SRV
		var err error
		if d.Resolver != nil {
			_, list, err = d.Resolver.LookupSRV(ctx, s.service, "tcp", domain)
		} else {
			_, list, err = net.DefaultResolver.LookupSRV(ctx, s.service, "tcp", domain)
		}
		if err != nil {
			continue
		}
		for _, r := range list {
			host := strings.TrimSuffix(r.Target, ".")
			if host == "" || r.Port == 0 { // "." says that there is no such service
				continue
			}
			found = append(found, Candidate{
				Server: Server{Host: host, Port: int(r.Port), Security: s.security, Auth: Password}, From: fmt.Sprintf("the record _%s._tcp.%s", s.service, domain),
			})
		}
	}
	return found
}

// clientConfig is what Mozilla's autoconfig answers.
type clientConfig struct {
	Servers []struct {
		Type     string   `xml:"type,attr"`
		Host     string   `xml:"hostname"`
		Port     int      `xml:"port"`
		Socket   string   `xml:"socketType"`
		Username string   `xml:"username"`
		Auths    []string `xml:"authentication"`
	} `xml:"emailProvider>incomingServer"`
}

// autoconfig asks the domain's own web servers. Nobody else hears of the address.
func (d Discovery) autoconfig(ctx context.Context, address, domain string) []Candidate {
	for _, at := range []string{
		"https://autoconfig." + domain + "/mail/config-v1.1.xml?emailaddress=" + url.QueryEscape(address),
		"https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		var c clientConfig
		if d.ask(ctx, at, &c) != nil {
			continue
		}
		var found []Candidate
		for _, s := range c.Servers {
			security, ok := map[string]Security{"SSL": TLS, "STARTTLS": STARTTLS}[strings.ToUpper(s.Socket)]
			if !ok || s.Type != "imap" {
				continue
			}
			auth := Password
			if len(s.Auths) > 0 && s.Auths[0] == "OAuth2" {
				auth = OAuth
			}
			found = append(found, Candidate{
				Server: Server{Host: s.Host, Port: s.Port, Security: security, Auth: auth, Username: s.Username}, From: "the domain's own configuration",
			})
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func (d Discovery) ask(ctx context.Context, at string, into any) error {
	client := d.HTTP
	if client == nil {
		client = outsideOnly
	}
	ctx, cancel := context.WithTimeout(ctx, discoverWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return xml.NewDecoder(io.LimitReader(resp.Body, maxAutoconfig)).Decode(into)
}

// outsideOnly connects to public addresses only: an address that somebody types in
// must not make us call our own network's machines.
var outsideOnly = &http.Client{
	Timeout: discoverWithin,
	Transport: &http.Transport{DialContext: (&net.Dialer{
		Timeout: discoverWithin,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			ip := at.Addr().Unmap()
			if err != nil || !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
				return errors.New("not a public address")
			}
			return nil
		},
	}).DialContext},
	CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > 3 || req.URL.Scheme != "https" {
			return errors.New("redirected too often, or out of https")
		}
		return nil
	},
}
