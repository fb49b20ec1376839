package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/sealbox"
	"github.com/truyvet/truyvet/tracing/stay"
)

// queued is one scan as a device sends it.
type queued map[string]any

// boxes returns the ring that the benches' servers open boxes with.
func boxes(t testing.TB) *sealbox.Ring {
	t.Helper()
	ring, err := sealbox.NewRing([]sealbox.Key{{ID: 1, Key: bytes.Repeat([]byte{5}, sealbox.KeySize)}})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// keep makes a scan as a gate keeps it: somebody presents a text, at a second of the device's clock.
func (b *bench) keep(id uuid.UUID, at int64, presented string) queued {
	b.t.Helper()
	key, err := sealbox.ParsePublic(b.do(httptest.NewRequest(http.MethodGet, "/.well-known/truyvet-box-key.json", nil)).Body.Bytes())
	if err != nil {
		b.t.Fatal(err)
	}
	box, err := key.Seal(sealbox.Bound{Place: b.gates.gate.Place, Scan: id}, presented)
	if err != nil {
		b.t.Fatal(err)
	}
	return queued{"id": id, "at": at, "box": box}
}

func (q queued) with(field string, value any) queued {
	changed := queued{field: value}
	for name, was := range q {
		if name != field {
			changed[name] = was
		}
	}
	return changed
}

// deliver sends a queue and returns each scan's answer: its status, or why it is refused.
func (b *bench) deliver(sent int64, scans ...queued) []string {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"sent_at": sent, "scans": scans})
	if err != nil {
		b.t.Fatal(err)
	}
	var answers []string
	for i, r := range b.results(b.do(gateRequest("/api/v1/gate/queue", gateKey, string(body)))) {
		if want := scans[i]["id"].(uuid.UUID); r.ID != want.String() && want != uuid.Nil {
			b.t.Errorf("answer %d is for %s, want %s", i, r.ID, want)
		}
		if r.Code != "" {
			r.Status = r.Code
		}
		answers = append(answers, r.Status)
	}
	return answers
}

func wantAnswers(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("answered %v, want %v", got, want)
	}
}

// logged returns what was stored, by id.
func (b *bench) logged() map[uuid.UUID]scan.Scan {
	b.t.Helper()
	all := make(map[uuid.UUID]scan.Scan)
	for _, s := range b.stored() {
		all[s.ID] = s
	}
	return all
}

// TestGateQueue: what is good is taken once, whatever is sent beside it and however often.
func TestGateQueue(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	at := now.Add(-2 * time.Hour).Unix()
	first, second, forged := b.keep(uuid.New(), at, someone), b.keep(uuid.New(), at+5, someone), b.keep(uuid.New(), at+9, someone)
	void := queued{"id": uuid.New(), "at": at + 20, "kind": "void", "voids": second["id"], "box": second["box"]}
	refused := []struct {
		scan queued
		why  string
	}{
		{forged.with("id", uuid.New()), "box_damaged"},                                        // another scan's box
		{first.with("id", uuid.New()), "box_damaged"},                                         // replayed under another id
		{first.with("kind", "out"), "id_conflict"},                                            // the same scan, told otherwise
		{first.with("at", at+1), "id_conflict"},                                               //
		{forged.with("box", append([]byte{9}, forged["box"].([]byte)[1:]...)), "box_damaged"}, // another version
		{forged.with("box", append([]byte{1, 0, 0, 0, 9}, forged["box"].([]byte)[5:]...)), "box_key_gone"},
		{forged.with("box", []byte("geheim")), "box_damaged"},
		{forged.with("box", "no base64"), "scan_malformed"},
		{forged.with("alias", uuid.New()), "scan_malformed"},
		{forged.with("id", uuid.Nil), "scan_id"},
		{forged.with("kind", "sideways"), "scan_kind"},
		{forged.with("kind", "void"), "scan_voids"},
		{forged.with("voids", uuid.New()), "scan_voids"},
		{forged.with("at", 0), "scan_time_missing"},
		{forged.with("at", now.Add(time.Hour).Unix()), "scan_time_future"},
		{forged.with("at", now.Add(-30*24*time.Hour).Unix()), "scan_time_too_old"},
		{b.keep(uuid.New(), at, "hello"), "gate_input"},
	}
	queue, want := []queued{second}, []string{"accepted"}
	for _, r := range refused {
		if r.why != "id_conflict" {
			queue, want = append(queue, r.scan), append(want, r.why)
		}
	}
	wantAnswers(t, b.deliver(now.Unix(), append(queue, first, first)...), append(want, "accepted", "duplicate")...)
	if b.kept != 3 { // of nobody whose scan is too old, or not theirs, anything is kept
		t.Errorf("%d people are kept, want those of three scans", b.kept)
	}
	for _, r := range refused {
		wantAnswers(t, b.deliver(now.Unix(), r.scan, second, first), r.why, "duplicate", "duplicate")
	}
	wantAnswers(t, b.deliver(now.Unix(), void, void), "accepted", "duplicate")
	all := b.logged()
	if len(all) != 3 {
		t.Fatalf("%d scans are logged, want 3", len(all))
	}
	for _, q := range []queued{first, second, void} {
		if s := all[q["id"].(uuid.UUID)]; s.At != q["at"] || s.How != scan.GateTypedOffline || s.Alias != b.alias || s.Skew != 0 {
			t.Errorf("logged as %+v", s)
		}
	}
	if v := all[void["id"].(uuid.UUID)]; v.Kind != stay.Void || v.Voids != second["id"] {
		t.Errorf("the void is logged as %+v", v)
	}
	if strings.Contains(b.log.String(), someone) {
		t.Error("what was presented is logged")
	}
}

// TestGateQueueClocks: a device that is hours slow, hours fast, or was set anew while it had no network.
func TestGateQueueClocks(t *testing.T) {
	for _, c := range []struct {
		name      string
		at, sent  time.Duration // by the device's clock, from now
		age, want int64         // age -1: not counted; want: how many seconds ago it is logged
		how       scan.How
	}{
		{"right", -time.Minute, 0, -1, 60, scan.GateTypedOffline},
		{"at once", -2 * time.Second, 0, -1, 2, scan.GateTyped},
		{"3 h slow", -3*time.Hour - time.Minute, -3 * time.Hour, -1, 60, scan.GateTypedOffline},
		{"3 h fast", 3*time.Hour - time.Minute, 3 * time.Hour, -1, 60, scan.GateTypedOffline},
		{"set back in between", time.Hour, -time.Hour, 600, 600, scan.GateTypedOffline},
		{"set forward in between", -9 * time.Hour, 5 * time.Hour, 600, 600, scan.GateTypedOffline},
	} {
		b := newBench(t)
		b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
		q := b.keep(uuid.New(), now.Add(c.at).Unix(), someone)
		if c.age >= 0 {
			q["age"] = c.age
		}
		wantAnswers(t, b.deliver(now.Add(c.sent).Unix(), q), "accepted")
		// A personal code has to have been good at the scan's own time, by the server's clock.
		if want := now.Unix() - c.want - 60; b.presentedAt.Unix() != want {
			t.Errorf("%s: received as of %d s ago, want %d", c.name, now.Unix()-b.presentedAt.Unix(), now.Unix()-want)
		}
		// The next contact measures anew, and a moment later.
		wantAnswers(t, b.deliver(now.Add(c.sent+time.Second).Unix(), q), "duplicate")
		s := b.logged()[q["id"].(uuid.UUID)]
		if now.Unix()-s.At != c.want || s.At-int64(s.Skew) != q["at"] || s.How != c.how {
			t.Errorf("%s: logged as of %d s ago, corrected by %d s, how %d", c.name, now.Unix()-s.At, s.Skew, s.How)
		}
	}
}

// TestWhoDeliversAQueue: a gate's device by its key, or a gate that is logged in.
func TestWhoDeliversAQueue(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	body := func(sent int64, scans ...queued) string {
		text, err := json.Marshal(map[string]any{"sent_at": sent, "scans": scans})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	good := body(now.Unix(), b.keep(uuid.New(), now.Unix(), someone))
	many := make([]queued, 501)
	for i := range many {
		many[i] = queued{"id": uuid.New()}
	}
	for _, c := range []struct {
		key, body string
		role      registry.Role
		status    int
	}{
		{"", good, registry.RoleGate, http.StatusOK},
		{"", good, registry.RoleCity, http.StatusForbidden},
		{"other", good, registry.RoleGate, http.StatusUnauthorized},
		{gateKey, good, registry.RoleCity, http.StatusOK},
		{gateKey, `{"place":"` + b.gates.gate.Place.String() + `",` + good[1:], registry.RoleCity, http.StatusOK},
		{gateKey, `{"place":"` + uuid.NewString() + `",` + good[1:], registry.RoleCity, http.StatusConflict}, // made somewhere else
		{gateKey, body(0, queued{"id": uuid.New()}), registry.RoleCity, http.StatusBadRequest},
		{gateKey, body(now.Unix()), registry.RoleCity, http.StatusBadRequest},
		{gateKey, body(now.Unix(), many...), registry.RoleCity, http.StatusRequestEntityTooLarge},
		{gateKey, fmt.Sprintf(`{"sent_at":1,"alias":%q,"scans":[{}]}`, uuid.New()), registry.RoleCity, http.StatusBadRequest},
	} {
		b.actor = registry.Account{ID: b.gates.gate.ID, Role: c.role, Place: b.gates.gate.Place}
		do := b.do
		if c.status == http.StatusOK {
			do = described(t, b)
		}
		if res := do(gateRequest("/api/v1/gate/queue", c.key, c.body)); res.Code != c.status {
			t.Errorf("%s, %s: %d %s, want %d", c.key, c.role, res.Code, res.Body, c.status)
		}
	}
	b.paced = errs.Busy("gate_limit", "Slowly.", 30*time.Second)
	if res := b.do(gateRequest("/api/v1/gate/queue", gateKey, good)); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") != "30" {
		t.Errorf("beyond its limit: %d %s", res.Code, res.Body)
	}
}

// TestGateQueueOfAVehicle asks for its trips first, of which another server may have been told.
func TestGateQueueOfAVehicle(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	for _, vehicle := range []bool{false, true} {
		b.gates.vehicle = vehicle
		wantAnswers(t, b.deliver(now.Unix(), b.keep(uuid.New(), now.Unix()-60, someone)), "accepted")
		if asked := b.drivers.asked > 0; asked != vehicle {
			t.Errorf("of a vehicle: %v; its trips are asked for: %v", vehicle, asked)
		}
	}
	b.drivers.fails = registry.ErrBusy
	body := fmt.Sprintf(`{"sent_at":%d,"scans":[{}]}`, now.Unix())
	if res := b.do(gateRequest("/api/v1/gate/queue", gateKey, body)); res.Code != http.StatusServiceUnavailable {
		t.Errorf("while the trips are not to be had: %d %s", res.Code, res.Body)
	}
}

// TestGateQueueFailsWhole: where people cannot be kept nothing of a queue is taken, and it may be sent again.
func TestGateQueueFailsWhole(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	first := b.keep(uuid.New(), now.Unix()-60, someone)
	void := queued{"id": uuid.New(), "at": now.Unix() - 50, "kind": "void", "voids": first["id"], "box": first["box"]}
	body, err := json.Marshal(map[string]any{"sent_at": now.Unix(), "scans": []queued{first, void}})
	if err != nil {
		t.Fatal(err)
	}
	b.keepFails = errs.Busy("registry_unavailable", "Not now.", time.Second)
	if res := b.do(gateRequest("/api/v1/gate/queue", gateKey, string(body))); res.Code != http.StatusServiceUnavailable {
		t.Errorf("while nobody can be kept: %d %s", res.Code, res.Body)
	}
	if all := b.logged(); len(all) != 0 {
		t.Errorf("%d are logged", len(all))
	}
	b.keepFails = nil
	wantAnswers(t, b.deliver(now.Unix(), first, void), "accepted", "accepted")
}
