package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// Client names the network that a request comes from, for limits and logs: the
// IPv4 address, or the /64 of an IPv6 address, of which one subscriber has all.
func (a *Auth) Client(r *http.Request) string {
	addr := a.address(r)
	if !addr.IsValid() {
		return "unknown"
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// address is the peer's, or what a trusted proxy says of it. Of X-Forwarded-For
// only the last entry that no trusted proxy wrote about itself can be believed:
// what stands before it came from the client.
func (a *Auth) address(r *http.Request) netip.Addr {
	peer := peerOf(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(peer); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = hop.Unmap().WithZone("")
	}
	return peer
}

func peerOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (a *Auth) trusts(addr netip.Addr) bool {
	for _, p := range a.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Secure reports whether the browser's connection is encrypted: ours is, or a
// trusted proxy says that its own is.
func (a *Auth) Secure(r *http.Request) bool {
	return r.TLS != nil || a.trusts(peerOf(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
