package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/internal/webui/visitor"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// prove takes a browser through the proof of a phone number at a code, and returns the answer to the last form.
func (b *browser) prove(token, phone string) answer {
	b.s.t.Helper()
	p := b.post("/q/"+token+"/phone", url.Values{"phone": {phone}})
	p.leadsTo("/q/" + token + "/code")
	p = b.get(p.location)
	return b.post("/q/"+token+"/code", url.Values{"code": {p.shownCode()}, "nonce": {p.field("nonce")}})
}

// shownCode returns the one-time code that a demonstration shows.
func (p answer) shownCode() string {
	p.t.Helper()
	shown := p.all(func(n *html.Node) bool { return n.Data == "p" && attr(n, "class") == "code" })
	if len(shown) != 1 {
		p.t.Fatalf("no code is shown: %s", p.text())
	}
	return textOf(shown[0])
}

func TestFirstCheckIn(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	token := s.stall.Code
	p := b.get("/Q/" + token)
	p.wants(http.StatusOK, "mã hóa", "xóa sau 21 ngày", "Sạp rau cô Tư", "Quầy, sạp · Chợ Linh Xuân", "12 Quốc lộ 1K", "Số điện thoại của bạn", "Your phone number")
	if p.heading() != "Sạp rau cô Tư" {
		t.Errorf("the page is headed %q", p.heading())
	}

	answer := b.prove(token, "0912 345 678")
	answer.leadsTo("/q/" + token + "/stamp")
	if b.cookie(visitor.CredentialCookie) == "" {
		t.Fatal("no credential was given")
	}
	stamp := b.get(answer.location)
	stamp.wants(http.StatusOK, "Đã ghi nhận: VÀO", "Checked IN", "Sạp rau cô Tư", "07:40", "21/11/2026", "Báo rời đi", "Check out")

	scans := s.allScans()
	if len(scans) != 1 {
		t.Fatalf("%d scans are logged, want 1", len(scans))
	}
	alias, err := s.pseudonyms.Phone("0912345678")
	must(t, err)
	if got := scans[0]; got.Alias != alias || got.Place != s.stall.ID || got.Kind != stay.In || got.How != scan.Phone || got.At != s.now.Load() {
		t.Errorf("the scan is %+v", got)
	}
	if _, err := s.store.PersonByAlias(t.Context(), alias); err != nil {
		t.Errorf("the person was not made: %v", err)
	}
	for _, secret := range []string{"912345678", "0912", token, strings.ToLower(token)} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, s.logs)
		}
	}
}

func TestNextCheckInIsOneTap(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	s.advance(time.Hour)
	path := "/q/" + s.market.Code
	p := b.get(path)
	if strings.Contains(p.text(), "Số điện thoại") {
		t.Fatalf("a known browser is asked for its number: %s", p.text())
	}
	form := url.Values{"kind": {"in"}, "nonce": {p.field("nonce")}}
	b.post(path+"/scan", form).leadsTo(path + "/stamp")

	s.advance(3 * time.Second)
	b.post(path+"/scan", form).leadsTo(path + "/stamp") // the second half of a double tap
	if n := s.scanCount(); n != 2 {
		t.Errorf("%d scans are logged after a double tap, want 2", n)
	}
	form.Set("here", "yes") // as the page's script does
	b.post(path+"/scan", form).wants(http.StatusOK, "Đã ghi nhận: VÀO", "08:40")
	if n := s.scanCount(); n != 2 {
		t.Errorf("%d scans are logged after it was sent for its stamp, want 2", n)
	}
	form.Del("here")

	s.advance(20 * time.Minute)
	stale := b.get(path + "/stamp")
	stale.leadsTo(path) // a stamp is not for the next visit
	b.post(path+"/scan", form).leadsTo(path + "/stamp")
	if n := s.scanCount(); n != 3 {
		t.Errorf("%d scans are logged after an old form was sent again, want 3", n)
	}
	b.get(path+"/stamp").wants(http.StatusOK, "09:00")
}

// TestTap: a tap whose id the page's script made is recorded under it as of when it was tapped, once; an id that is none, or is of another
// time, counts for nothing. Under one id there is no other scan.
func TestTap(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	path := "/q/" + s.market.Code
	for name, c := range map[string]struct {
		made time.Duration
		kept bool
	}{
		"just now": {0, true}, "on a slow line": {-time.Minute, true}, "a clock that is fast": {5 * time.Second, true},
		"an old form": {-3 * time.Minute, false}, "the future": {time.Minute, false},
	} {
		made := time.Unix(s.now.Load(), 0).Add(c.made)
		tap, err := page.NewNonce(made)
		must(t, err)
		form := url.Values{"kind": {"in"}, "nonce": {b.get(path).field("nonce")}, "tap": {tap}}
		before := s.scanCount()
		b.post(path+"/scan", form).leadsTo(path + "/stamp")
		s.advance(3 * time.Second)
		b.post(path+"/scan", form).leadsTo(path + "/stamp")
		got := s.allScans()[before:]
		if kept := got[0].ID.String() == tap && got[0].At == made.Unix() && len(got) == 1; kept != c.kept {
			t.Errorf("%s: recorded is %+v", name, got)
		}
		s.advance(time.Hour)
	}
	tap, err := page.NewNonce(time.Unix(s.now.Load(), 0))
	must(t, err)
	form := url.Values{"kind": {"in"}, "nonce": {b.get(path).field("nonce")}, "tap": {tap}}
	b.post(path+"/scan", form).leadsTo(path + "/stamp")
	before := s.scanCount()
	form.Set("kind", "out")
	b.post(path+"/scan", form).wants(http.StatusConflict)
	if n := s.scanCount(); n != before {
		t.Errorf("another scan under the id of a tap was recorded: %d", n-before)
	}
	form = url.Values{"kind": {"in"}, "nonce": {b.get(path).field("nonce")}, "tap": {uuid.NewString()}}
	b.post(path+"/scan", form).leadsTo(path + "/stamp")
	if all := s.allScans(); all[len(all)-1].ID.String() == form.Get("tap") {
		t.Error("an id that tells no time was taken")
	}
}

func TestKindsOfScan(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	path := "/q/" + s.stall.Code
	for i, c := range []struct {
		kind, says string
		want       stay.Kind
	}{
		{"renew", "Đã gia hạn: bạn vẫn ở đây", stay.Renew}, {"out", "Đã ghi nhận: RA", stay.Out}, {"in", "Đã ghi nhận: VÀO", stay.In},
	} {
		s.advance(time.Minute)
		p := b.get(path + "/stamp")
		p = b.post(path+"/scan", url.Values{"kind": {c.kind}, "nonce": {p.field("nonce")}})
		stamped := b.follow(p)
		stamped.wants(http.StatusOK, c.says)
		if n := stamped.all(func(n *html.Node) bool { return attr(n, "class") == "stamp "+c.kind }); len(n) != 1 {
			t.Errorf("%s: the stamp cannot be told from those of other kinds", c.kind)
		}
		scans := s.allScans()
		if got := scans[len(scans)-1].Kind; len(scans) != i+2 || got != c.want {
			t.Errorf("%s: %d scans, the last of kind %d", c.kind, len(scans), got)
		}
	}
	for _, kind := range []string{"", "void", "IN", "1"} {
		b.post(path+"/scan", url.Values{"kind": {kind}}).wants(http.StatusBadRequest, "Không đọc được biểu mẫu")
	}
	if n := s.scanCount(); n != 4 {
		t.Errorf("%d scans are logged, want 4", n)
	}
}

func TestReadingWritesNothing(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	before := s.scanCount()
	for _, page := range []string{"", "/scan", "/phone", "/code", "/forget", "/stamp", "/scan?kind=in", "?kind=in"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			b.do(method, "/q/"+s.stall.Code+page, nil)
		}
	}
	if after := s.scanCount(); after != before {
		t.Errorf("reading wrote %d scans", after-before)
	}
	if b.cookie(visitor.CredentialCookie) == "" {
		t.Error("reading took the credential away")
	}
}

func TestStampCannotBeForged(t *testing.T) {
	s := newSite(t, nil)
	honest := s.browser()
	honest.prove(s.stall.Code, "0912345678")
	stamp, credential := honest.cookie("truyvet_stamp"), honest.cookie(visitor.CredentialCookie)
	host, err := url.Parse(s.URL)
	must(t, err)
	with := func(cookies map[string]string) *browser {
		b := s.browser()
		for name, value := range cookies {
			b.client.Jar.SetCookies(host, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
		}
		return b
	}
	friend := s.browser()
	friend.prove(s.other.Code, "0987654321")

	here, there := "/q/"+s.stall.Code, "/q/"+s.market.Code
	with(map[string]string{"truyvet_stamp": stamp, visitor.CredentialCookie: credential}).get(here + "/stamp").wants(http.StatusOK)
	for name, c := range map[string]struct {
		cookies map[string]string
		at      string
	}{
		"nothing":                {nil, here},
		"no credential":          {map[string]string{"truyvet_stamp": stamp}, here},
		"no stamp":               {map[string]string{visitor.CredentialCookie: credential}, here},
		"a friend's stamp":       {map[string]string{"truyvet_stamp": stamp, visitor.CredentialCookie: friend.cookie(visitor.CredentialCookie)}, here},
		"a stamp from elsewhere": {map[string]string{"truyvet_stamp": stamp, visitor.CredentialCookie: credential}, there},
		"an altered stamp":       {map[string]string{"truyvet_stamp": "A" + stamp[1:], visitor.CredentialCookie: credential}, here},
		"no signature":           {map[string]string{"truyvet_stamp": stamp[:strings.IndexByte(stamp, '.')+1], visitor.CredentialCookie: credential}, here},
	} {
		p := with(c.cookies).get(c.at + "/stamp")
		if p.status != http.StatusSeeOther || p.location != c.at || strings.Contains(p.body, "Đã ghi nhận") {
			t.Errorf("%s: answered %d to %q: %s", name, p.status, p.location, p.text())
		}
	}
}

func TestRefusedCodes(t *testing.T) {
	s := newSite(t, nil)
	foreign := qrgen.NewKeySet()
	for range 2 { // its second key has an id that the site does not know
		_, err := foreign.Create(start)
		must(t, err)
	}
	sign := func(keys *qrgen.KeySet, change func(*qrgen.Token)) string {
		token := qrgen.Token{Kind: qrgen.KindMarket, Place: s.market.ID, IssuedAt: start.Add(-time.Hour), Serial: 9}
		change(&token)
		text, err := keys.Sign(token)
		must(t, err)
		return text
	}
	good := s.market.Code
	flipped := good[:60] + map[bool]string{true: "B", false: "A"}[good[60] == 'A'] + good[61:]
	badSignature := good[:100] + map[bool]string{true: "B", false: "A"}[good[100] == 'A'] + good[101:]
	_, err := s.places.Reissue(t.Context(), s.owner, s.stall.ID, 0)
	must(t, err)

	for name, c := range map[string]struct {
		token  string
		status int
		says   string
		place  bool // whether the place may be named
	}{
		"short":            {"ABC", http.StatusBadRequest, "Mã không đọc được", false},
		"not base32":       {strings.Repeat("1", qrgen.TokenLength), http.StatusBadRequest, "Mã không đọc được", false},
		"percent":          {"%00%ff", http.StatusBadRequest, "Mã không đọc được", false},
		"another version":  {"AI" + good[2:], http.StatusBadRequest, "Mã không được hỗ trợ", false},
		"a flipped field":  {flipped, http.StatusBadRequest, "Mã hỏng hoặc giả", false},
		"a bad signature":  {badSignature, http.StatusBadRequest, "Mã hỏng hoặc giả", false},
		"an unknown key":   {sign(foreign, func(*qrgen.Token) {}), http.StatusBadRequest, "Mã không do hệ thống này cấp", false},
		"from the future":  {sign(s.keys, func(k *qrgen.Token) { k.IssuedAt = start.Add(time.Hour) }), http.StatusBadRequest, "Mã chưa có hiệu lực", true},
		"expired":          {sign(s.keys, func(k *qrgen.Token) { k.ExpiresAt = start.Add(-time.Minute) }), http.StatusGone, "Mã đã hết hạn", true},
		"revoked":          {s.stall.Code, http.StatusGone, "Mã đã thu hồi", true},
		"an unknown place": {sign(s.keys, func(k *qrgen.Token) { k.Place = uuid.New() }), http.StatusNotFound, "không còn trong hệ thống", false},
	} {
		for _, prefix := range []string{"/q/", "/Q/"} {
			p := s.browser().get(prefix + c.token)
			p.wants(c.status, c.says)
			if named := strings.Contains(p.text(), "Chợ Linh Xuân"); named != c.place {
				t.Errorf("%s: the place is named: %v, want %v", name, named, c.place)
			}
		}
		if c.status == http.StatusBadRequest && !c.place {
			s.browser().get("/check/"+c.token).wants(c.status, c.says)
		}
		for _, form := range []string{"/phone", "/code", "/scan"} {
			s.browser().post("/q/"+c.token+form, url.Values{"phone": {"0912345678"}, "kind": {"in"}}).wants(c.status)
		}
	}

	must(t, s.keys.Compromise(1))
	s.browser().get("/q/"+good).wants(http.StatusGone, "Mã không còn tin cậy", "no longer trusted")
	if n := s.scanCount(); n != 0 {
		t.Errorf("%d scans were logged", n)
	}
}

func TestRefusedPhoneNumbersAndCodes(t *testing.T) {
	s := newSite(t, nil)
	path := "/q/" + s.stall.Code
	b := s.browser()
	for _, phone := range []string{"", "12", "abc", "0000000000", strings.Repeat("9", 500)} {
		b.post(path+"/phone", url.Values{"phone": {phone}}).wants(http.StatusBadRequest, "Không phải số điện thoại Việt Nam")
	}
	b.post(path+"/code", url.Values{"code": {"123456"}}).wants(http.StatusGone, "Mã xác nhận đã hết hạn", "Số điện thoại của bạn")
	b.get(path + "/code").leadsTo(path)

	p := b.follow(b.post(path+"/phone", url.Values{"phone": {"0912345678"}}))
	p.wants(http.StatusOK, "đuôi 678")
	right := p.shownCode()
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for range 4 {
		b.post(path+"/code", url.Values{"code": {wrong}}).wants(http.StatusBadRequest, "Mã xác nhận không đúng", "đuôi 678")
	}
	last := b.post(path+"/code", url.Values{"code": {wrong}})
	if last.status == http.StatusBadRequest {
		last = b.post(path+"/code", url.Values{"code": {right}})
	}
	last.wants(http.StatusGone, "quá nhiều lần", "Số điện thoại của bạn")

	s.advance(10 * time.Minute)
	p = b.follow(b.post(path+"/phone", url.Values{"phone": {"0912345678"}}))
	right = p.shownCode()
	s.advance(6 * time.Minute)
	b.post(path+"/code", url.Values{"code": {right}}).wants(http.StatusGone, "Mã xác nhận đã hết hạn")
	if b.cookie(visitor.CredentialCookie) != "" || s.scanCount() != 0 {
		t.Error("a credential or a scan was made without a right code")
	}
}

func TestTooManyCodesAreRefusedWithATime(t *testing.T) {
	s := newSite(t, nil)
	path := "/q/" + s.stall.Code + "/phone"
	for range 200 {
		p := s.browser().post(path, url.Values{"phone": {"0912345678"}})
		if p.status == http.StatusTooManyRequests {
			p.wants(http.StatusTooManyRequests, "quá nhiều mã xác nhận", "Chợ Linh Xuân")
			if p.header.Get("Retry-After") == "" {
				t.Error("the page does not say when to try again")
			}
			return
		}
		p.wants(http.StatusSeeOther)
	}
	t.Error("200 codes in one second were not too many")
}

func TestScanThatCannotBeTaken(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	path := "/q/" + s.stall.Code
	p := b.get(path)
	failure := error(scanlog.ErrFull)
	s.log.failure.Store(&failure)
	form := url.Values{"kind": {"out"}, "nonce": {p.field("nonce")}}
	refused := b.post(path+"/scan", form)
	refused.wants(http.StatusServiceUnavailable, "Hệ thống đang bận", "chưa được ghi nhận", "Thử lại")
	if refused.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q, want 2", refused.header.Get("Retry-After"))
	}
	b.get(path+"/stamp").wants(http.StatusOK, "Đã ghi nhận: VÀO") // still that of the scan before
	s.log.failure.Store(nil)
	b.follow(b.post(path+"/scan", form)).wants(http.StatusOK, "Đã ghi nhận: RA")
}

func TestCredentials(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	b.prove(s.stall.Code, "0912345678")
	path := "/q/" + s.stall.Code

	t.Run("of an alias that was revoked", func(t *testing.T) {
		alias, err := s.pseudonyms.Phone("0912345678")
		must(t, err)
		s.credentials.SetRevoked(map[uuid.UUID]int64{alias: s.now.Load() + 60})
		defer s.credentials.SetRevoked(nil)
		b.get(path).wants(http.StatusOK, "đã bị thu hồi", "Số điện thoại của bạn")
		b.post(path+"/scan", url.Values{"kind": {"in"}}).wants(http.StatusUnauthorized, "đã bị thu hồi")
	})
	t.Run("forgotten", func(t *testing.T) {
		b.post(path+"/forget", nil).leadsTo(path)
		b.get(path).wants(http.StatusOK, "Số điện thoại của bạn")
		b.post(path+"/scan", url.Values{"kind": {"in"}}).wants(http.StatusUnauthorized, "xác nhận số điện thoại")
	})
	t.Run("after 90 days", func(t *testing.T) {
		again := s.browser()
		s.advance(10 * time.Minute)
		again.prove(s.stall.Code, "0912345678")
		credential := again.cookie(visitor.CredentialCookie)
		s.advance(91 * 24 * time.Hour)
		host, err := url.Parse(s.URL)
		must(t, err)
		again.client.Jar.SetCookies(host, []*http.Cookie{{Name: visitor.CredentialCookie, Value: credential, Path: "/"}})
		again.get(path).wants(http.StatusOK, "hết hạn 90 ngày", "Số điện thoại của bạn")
	})
	if n := s.scanCount(); n != 2 {
		t.Errorf("%d scans are logged, want 2", n)
	}
}

func TestCookies(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser()
	p := b.post("/q/"+s.stall.Code+"/phone", url.Values{"phone": {"0912345678"}})
	code := b.get(p.location)
	p = b.post("/q/"+s.stall.Code+"/code", url.Values{"code": {code.shownCode()}, "nonce": {code.field("nonce")}})
	cookies := (&http.Response{Header: p.header}).Cookies()
	found := false
	for _, c := range cookies {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("the cookie %s is open to scripts or other sites: %v", c.Name, c)
		}
		if c.Name == visitor.CredentialCookie {
			found = true
			if c.MaxAge != 90*24*60*60 {
				t.Errorf("the credential lives %d s, want 90 days", c.MaxAge)
			}
		}
	}
	if !found {
		t.Errorf("no credential among %v", cookies)
	}
	if strings.Contains(p.location, "0912345678") || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer may be kept, or tells the number: %v", p.header)
	}
}

// TestEveryKindOfPlace makes sure that no kind of place lacks its words.
func TestEveryKindOfPlace(t *testing.T) {
	s := newSite(t, nil)
	for _, kind := range qrgen.Kinds() {
		place := s.place(s.owner, places.NewPlace{Kind: kind, Name: "Nơi thử " + kind.String()})
		p := s.browser().get("/q/" + place.Code)
		p.wants(http.StatusOK, "Nơi thử "+kind.String())
		if strings.Contains(p.text(), "[") {
			t.Errorf("a text is missing for %s: %s", kind, p.text())
		}
	}
}
