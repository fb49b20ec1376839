package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
