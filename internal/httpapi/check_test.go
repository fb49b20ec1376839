package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// check knows a code as the register does: the one of serial 98 hangs at a place that is gone.
func (b *bench) check(text string) (places.Checked, error) {
	token, err := b.keys.Verify(text, now, nil)
	if err != nil {
		return places.Checked{}, err
	}
	found := places.Checked{Token: token, State: places.Ending, Until: now.Unix() + 60, Short: "7K3F-9QXM"}
	if token.Serial == 98 {
		found.State, found.Until = places.PlaceGone, 0
		return found, nil
	}
	found.Place = places.Name{Name: "Sạp 1", Site: "Chợ", Address: "1 Bến", Area: "Phường 1", Kind: token.Kind}
	return found, nil
}

func TestCheck(t *testing.T) {
	b := newBench(t)
	get := func(token string) (int, string, map[string]any) {
		res := b.do(httptest.NewRequest(http.MethodGet, "/api/v1/check/"+token, nil))
		var body map[string]any
		if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return res.Code, res.Header().Get("Cache-Control"), body
	}
	status, cache, body := get(strings.ToLower(b.token(nil)))
	place, _ := body["place"].(map[string]any)
	if status != http.StatusOK || cache != "no-store" || body["state"] != "ending" || body["good"] != true || body["check_code"] != "7K3F-9QXM" ||
		body["ends_at"] != float64(now.Unix()+60) || body["kind"] != "market" || place["site"] != "Chợ" || place["ward"] != "Phường 1" {
		t.Errorf("%d %v", status, body)
	}
	if status, _, body := get(b.token(func(k *qrgen.Token) { k.Serial = 98 })); status != http.StatusOK || body["good"] != false || body["place"] != nil {
		t.Errorf("a place that is gone: %d %v", status, body)
	}
	if status, _, body := get("ABC"); status != http.StatusBadRequest || body["code"] != "code_malformed" {
		t.Errorf("no code: %d %v", status, body)
	}
}

// revokedFile is a list of one place, whose tag is its own text.
func (b *bench) revokedFile() (places.RevokedFile, error) {
	data, err := b.keys.SignRevoked(qrgen.Revoked{AsOf: now, Steps: []qrgen.RevokedStep{{Place: uuid.UUID{1}, Serial: 2, From: now}}})
	return places.RevokedFile{Data: data, Tag: "tag"}, err
}

// TestRevokedIsServed reads the list with the public keys, once.
func TestRevokedIsServed(t *testing.T) {
	b := newBench(t)
	req := httptest.NewRequest(http.MethodGet, "/.well-known/truyvet-revoked.json", nil)
	res := b.do(req)
	list, err := b.keys.ReadRevoked(res.Body.Bytes())
	if err != nil || !list.At(now)(uuid.UUID{1}, 1) {
		t.Errorf("%s, %v", res.Body, err)
	}
	if h := res.Header(); h.Get("Cache-Control") != "public, max-age=60" || h.Get("ETag") != `"tag"` || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", h)
	}
	req.Header.Set("If-None-Match", res.Header().Get("ETag"))
	if again := b.do(req); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again: %d, %d bytes", again.Code, again.Body.Len())
	}
	if err := b.keys.Retire(1); err != nil {
		t.Fatal(err)
	}
	if res := b.do(httptest.NewRequest(http.MethodGet, "/.well-known/truyvet-revoked.json", nil)); res.Code != http.StatusInternalServerError {
		t.Errorf("without a key to sign: %d", res.Code)
	}
}
