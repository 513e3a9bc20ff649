package ui_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// newBrowser starts a real Chromium, or skips the test where there is none.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed: the pages are not looked at in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// complaints collects what the browser has to say against our pages: policy
// violations, missing files, what it could not load.
func complaints(ctx context.Context) (func() []string, error) {
	var mu sync.Mutex
	var list []string
	add := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, s)
	}
	entries, failures := chromedp.Events(ctx, log.EntryAdded), chromedp.Events(ctx, network.LoadingFailed)
	go func() {
		for e, err := range entries {
			if err != nil {
				return
			}
			add(e.Entry.Text + " " + e.Entry.URL)
		}
	}()
	go func() {
		for e, err := range failures {
			if err != nil {
				return
			}
			add("not loaded: " + e.ErrorText)
		}
	}()
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return err
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}, err
}

// A look is a way of looking at a page.
type look struct {
	name   string
	width  int64
	scheme string
}

var looks = []look{
	{"wide-light", 1280, "light"}, {"wide-dark", 1280, "dark"},
	{"narrow-light", 360, "light"}, {"narrow-dark", 360, "dark"},
}

// apply makes the browser look that way.
func (l look) apply() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: l.width, Height: 900, DeviceScaleFactor: 1, Mobile: l.width < 600,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
		})
		return err
	})
}

// tooWide names the elements that stick out of the window to the side.
const tooWide = `[...document.querySelectorAll('main *')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.right > innerWidth + 1 && getComputedStyle(e).position !== 'absolute' && !e.closest('.unseen, .code, .post-body, .list thead, .post-who, .item-top')
}).map(e => e.tagName + '.' + e.className).slice(0, 5).join(' ') + (document.documentElement.scrollWidth > innerWidth + 1 ? ' the page scrolls sideways' : '')`

// lowContrast names texts that are hard to read: less than 4.5:1 on the ground
// that they stand on (WCAG 2.2 §1.4.3).
const lowContrast = `(() => {
	const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
	const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
	const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > .9) return c } return [255, 255, 255, 1] };
	const bad = [];
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || e.closest('.unseen, .skip, script, style') || !e.getClientRects().length) continue;
		const a = lum(rgb(getComputedStyle(e).color)), b = lum(ground(e));
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) bad.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2) + ' ' + walk.currentNode.data.trim().slice(0, 20));
	}
	return [...new Set(bad)].slice(0, 8).join('; ');
})()`

// unlabelled names controls that nobody can tell the purpose of by ear.
const unlabelled = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, progress')].filter(e =>
	!e.textContent.trim() && !e.querySelector('img[alt]:not([alt=""])') && !e.getAttribute('aria-label') && !(e.labels && e.labels.length)).map(e => e.outerHTML.slice(0, 80)).join('; ')`

// unfold opens whatever is folded, by the click that a person would do.
const unfold = `[...document.querySelectorAll('details:not([open]) > summary')].map(e => { e.click(); e.parentElement.scrollIntoView() }).length`

// TestBrowser opens every page in a real browser, light and dark, wide and
// narrow, and asks it what is wrong. With POSTROOM_SHOTS set to a directory the
// pages are left there as pictures.
func TestBrowser(t *testing.T) {
	ctx := newBrowser(t)
	h := newHouse(t)
	stops := h.furnish()
	said, err := complaints(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			h.signInWith(ctx)
		}
		for _, s := range stops {
			if s.open == signedIn {
				continue
			}
			for _, l := range looks {
				t.Run(s.name+"/"+l.name, func(t *testing.T) { h.look(ctx, t, s, l) })
			}
		}
	}
	for _, s := range said() {
		if !strings.Contains(s, "404 (Not Found)") { // the page that shows it
			t.Errorf("the browser complains: %s", s)
		}
	}
}

// look opens one page in one way.
func (h *house) look(ctx context.Context, t *testing.T, s stop, l look) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, l.apply(), chromedp.Navigate(h.url+s.path), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
		t.Fatal(err)
	}
	if s.unfold {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](unfold)); err != nil {
			t.Fatal(err)
		}
		<-time.After(700 * time.Millisecond) // for the frames, which load when they are seen
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`scrollTo(0, 0), 0`)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range map[string]string{"sticks out": tooWide, "low contrast": lowContrast, "no label": unlabelled} {
		found, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(found) != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
	shots := os.Getenv("POSTROOM_SHOTS")
	if shots == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%s.png", s.name, l.name)), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// signInWith signs the browser in as a person does: by keyboard.
func (h *house) signInWith(ctx context.Context) {
	h.t.Helper()
	err := chromedp.Do(ctx, chromedp.Navigate(h.url+"/"), chromedp.WaitVisible(chromedp.CSS("#token")),
		chromedp.SendKeys(chromedp.CSS("#token"), token+"\n"), chromedp.WaitVisible(chromedp.CSS(".choices")))
	if err != nil {
		h.t.Fatalf("sign in: %v", err)
	}
}

// TestBrowserFormatted opens the formatted view of a hostile mail as a person does,
// loads its images, and looks at the document by itself.
func TestBrowserFormatted(t *testing.T) {
	ctx := newBrowser(t)
	h := newHouse(t)
	p := h.newPlace("Lumen", "support@lumen.example")
	h.newPlace("Second", "support@second.example") // one alone is entered at once
	frame := p.path + "/messages/" + h.accept(p, hostile()).ID.String() + "/formatted"
	h.signInWith(ctx)
	click := func(selector string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
			t.Fatalf("click %s: %v", selector, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(h.url+p.path+"/tickets/1"), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
		t.Fatal(err)
	}
	if h.requests.had(frame) {
		t.Errorf("the formatted mail is loaded before anybody asked for it")
	}
	click(".formatted > summary")
	if !h.requests.wait(frame) {
		t.Fatal("the formatted mail is not loaded when it is opened")
	}
	arrived := fmt.Sprintf("performance.getEntriesByType('resource').some(e => e.initiatorType === 'iframe' && e.name.endsWith(%q))", frame)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](arrived)); err != nil {
		t.Fatalf("the formatted mail does not arrive in its frame: %v", err)
	}
	click(".formatted-bar p a")
	if !h.requests.wait(frame + "?images=1") {
		t.Fatal("the link does not load the images into the frame")
	}
	if at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname")); err != nil || at != p.path+"/tickets/1" {
		t.Errorf("the page went to %q, %v", at, err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(h.url+frame), chromedp.WaitReady(chromedp.CSS("h1"))); err != nil {
		t.Fatal(err)
	}
	const seen = `[document.title, origin, [...document.images].map(i => i.naturalWidth).join(), getComputedStyle(document.querySelector('p')).color].join('|')`
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](seen))
	if want := "Half price </title><script>|null|1,0,0,0,0|rgb(51, 102, 153)"; err != nil || got != want {
		t.Errorf("the document = %q, %v, want %q", got, err, want)
	}
	if h.requests.had("/sign-in?next=" + url.QueryEscape(frame+"?images=1")) {
		t.Errorf("the frame carried no session")
	}
}
