package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// hall is a server in this process, whose clock the test turns, with an owner and a place.
type hall struct {
	base  string
	parts *app.Parts
	ahead atomic.Int64 // of the real clock, in nanoseconds
	place registry.Place
}

const ownerPassword = "mật khẩu của chủ hội trường"

func openHall(t *testing.T) *hall {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{base: "http://" + listener.Addr().String()}
	clock := func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }
	cfg, err := config.Load(t.Context(), []string{
		"TRUYVET_DATA=" + filepath.Join(t.TempDir(), "data"), "TRUYVET_OPS_LISTEN=127.0.0.1:0", "TRUYVET_BASE_URL=" + h.base,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, func() error { return app.Init(t.Context(), cfg, clock) })
	if h.parts, err = app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler), clock); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := h.parts.Serve(ctx, listener, nil); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		serving.Wait()
		_ = h.parts.Close()
	})
	o := registry.Organisation{ID: uuid.New(), Name: "Hội trường"}
	mustDo(t, func() error { return h.parts.Registry.PutOrganisation(t.Context(), o) })
	owner, err := h.parts.Accounts.Create(t.Context(), registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: o.ID}, ownerPassword)
	if err != nil {
		t.Fatal(err)
	}
	h.place, err = h.parts.Places.Create(t.Context(), owner, places.NewPlace{Name: "Hội trường lớn", Kind: qrgen.KindEvent})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// offline cuts the browser's network, or mends it. The browser itself is told, as by the system.
func (b tab) offline(cut bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: cut, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	if err == nil {
		_, err = chromedp.Call(b.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: cut, DownloadThroughput: -1, UploadThroughput: -1,
		})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// state waits until the screen is in a state, and returns when its code expires.
func (b tab) state(want string) (expires string) {
	b.t.Helper()
	eventually(b.t, "the screen is "+want, func() error {
		got := read(b, "reading the screen", chromedp.Evaluate[string](`(() => {
			const box = document.querySelector(".screen");
			return box.dataset.state + (box.hasAttribute("data-lost") ? " lost " : " here ") + box.dataset.expires;
		})()`))
		state, rest, _ := strings.Cut(got, " ")
		var line string
		line, expires, _ = strings.Cut(rest, " ")
		if state+" "+line != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	return expires
}

// now has the page ask for its code at once, as when the network is back.
func (b tab) now() {
	b.t.Helper()
	read(b, "asking for the code", chromedp.Evaluate[bool](`dispatchEvent(new Event("online"))`))
}

// scanned reads the code that is on the screen.
func (b tab) scanned() string {
	b.t.Helper()
	return decode(b.t, read(b, "photographing the code", chromedp.ScreenshotScale(css(".screen-code svg"), 4)))
}

// TestScreenAtADoor sets a tablet up as the screen of a place, sees its code change, cuts its network until the code has run out,
// and mends it.
func TestScreenAtADoor(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	b := browser(t)
	b.do("logging in",
		chromedp.Navigate(h.base+"/login"), chromedp.SendKeys(css("#login"), "owner"), chromedp.SendKeys(css("#password"), ownerPassword),
		press(`form[action="/login"] button[type=submit]`, `a[href="/places/new"]`),
		chromedp.Navigate(h.base+"/places/"+h.place.ID.String()+"/screen"),
		press(`form[action$="/screen"] button`, ".made .code"),
	)
	token := b.text(".made .code")
	b.do("setting the tablet up",
		press(`form[action="/logout"] button`, `a[href^="/login?next="]`),
		chromedp.Navigate(h.base+"/gate/enrol"), chromedp.SendKeys(css("#code"), token),
		press(`form[action="/gate/enrol"] button`, `a[href="/screen"]`),
		press(`a[href="/screen"]`, ".screen-code svg"),
	)
	first, code := b.state("ok here"), b.scanned()
	good := func(code string) int {
		t.Helper()
		res, err := http.Get(h.base + code[strings.LastIndex(code, "/Q/"):])
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if status := good(code); status != http.StatusOK {
		t.Errorf("the code on the screen is answered with status %d", status)
	}
	if awake := read(b, "asking whether it stays on", chromedp.Evaluate[string](`document.querySelector(".door").dataset.awake`)); awake == "" {
		t.Error("it is not known whether the screen stays on")
	}

	h.ahead.Add(int64(35 * time.Second))
	b.now()
	eventually(t, "the code is another", func() error {
		if b.state("ok here") == first {
			return errors.New("it is the same")
		}
		return nil
	})
	second := b.scanned()
	if second == code || good(second) != http.StatusOK {
		t.Errorf("after half a minute the screen shows %s, and before %s", second, code)
	}

	b.offline(true)
	b.now()
	b.state("ok lost")
	if said := b.text(".screen-lost"); !strings.Contains(said, "Mất kết nối") || !strings.Contains(said, "Mã còn dùng được đến") {
		t.Errorf("without a network it says %q", said)
	}
	// The tablet's own clock goes on.
	read(b, "letting the time pass", chromedp.Evaluate[bool](`(() => { const real = Date.now; Date.now = () => real() + 100_000; return true })()`))
	b.state("over lost")
	if said := b.text(".screen-over"); !strings.Contains(said, "Đừng quét") {
		t.Errorf("over the code that has run out it says %q", said)
	}
	if seen := read(b, "looking for the code", chromedp.Evaluate[string](`getComputedStyle(document.querySelector(".screen-code svg")).visibility`)); seen != "hidden" {
		t.Errorf("the code that has run out is %s", seen)
	}

	h.ahead.Add(int64(100 * time.Second))
	b.offline(false)
	b.now()
	b.state("ok here")
	if third := b.scanned(); third == second || good(third) != http.StatusOK {
		t.Errorf("with the network back it shows %s", third)
	}
}
