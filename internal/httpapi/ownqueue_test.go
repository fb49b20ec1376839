package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Mark and Companions make the bench what a browser keeps.
func (b *bench) Mark(alias uuid.UUID) string { return "mark of " + alias.String()[:4] }

func (b *bench) Companions(*http.Request, uuid.UUID) []uuid.UUID { return b.companions }

const ownQueuePath = "/api/v1/me/queue"

// ownRequest is a queue as a citizen's phone sends it.
func ownRequest(credential string, sent int64, scans ...queued) *http.Request {
	body, err := json.Marshal(map[string]any{"sent_at": sent, "scans": scans})
	if err != nil {
		panic(err)
	}
	return gateRequest(ownQueuePath, credential, string(body))
}

// deliverOwn sends a queue and returns each scan's answer: its status, or why it is refused.
func (b *bench) deliverOwn(sent int64, scans ...queued) []string {
	b.t.Helper()
	var answers []string
	for _, r := range b.results(b.do(ownRequest(goodCredential, sent, scans...))) {
		if r.Code != "" {
			r.Status = r.Code
		}
		answers = append(answers, r.Status)
	}
	return answers
}

// keepOwn makes a scan as a phone keeps it, at a second of its clock.
func keepOwn(at int64, token string) queued {
	return queued{"id": v7(time.Unix(at, 0)), "at": at, "token": token}
}

// TestOwnQueue: what is good is taken once, whatever is sent beside it and however often.
func TestOwnQueue(t *testing.T) {
	b := newBench(t)
	b.companions = []uuid.UUID{uuid.New(), uuid.New()}
	at := now.Add(-time.Hour / 2).Unix()
	token := b.token(nil)
	first := keepOwn(at, token).with("with", []int{1, 1}).with("whose", b.Mark(b.alias))
	second := keepOwn(at+5, token).with("kind", "out")
	forged := keepOwn(at+9, token)
	altered := []byte(token)
	altered[100] = 'A' + (altered[100]-'A'+1)%26
	expired := b.token(func(t *qrgen.Token) { t.ExpiresAt = now.Add(-3 * time.Hour); t.IssuedAt = now.Add(-4 * time.Hour) })
	refused := []struct {
		scan queued
		why  string
	}{
		{forged.with("token", string(altered)), "code_bad_signature"},
		{forged.with("token", expired), "code_expired"},
		{forged.with("token", "hello"), "code_malformed"},
		{forged.with("token", ""), "code_missing"},
		{forged.with("alias", uuid.New()), "alias_not_allowed"},
		{forged.with("alias", nil), "alias_not_allowed"},
		{forged.with("whose", b.Mark(uuid.New())), "scan_of_another"},
		{forged.with("with", []int{2}), "companion_unknown"},
		{forged.with("with", []int{-1}), "companion_unknown"},
		{forged.with("with", []uuid.UUID{uuid.New()}), "scan_malformed"},
		{forged.with("how", "phone"), "scan_malformed"},
		{forged.with("id", uuid.Nil), "scan_id"},
		{forged.with("id", uuid.New()), "scan_id_time"},
		{forged.with("id", v7(now)), "scan_id_time"},
		{forged.with("kind", "sideways"), "scan_kind"},
		{forged.with("kind", "void"), "scan_voids"},
		{forged.with("voids", uuid.New()), "scan_voids"},
		{forged.with("at", 0), "scan_time_missing"},
		{keepOwn(now.Add(time.Hour).Unix(), token), "scan_time_future"},
		{keepOwn(now.Add(-30*24*time.Hour).Unix(), token), "scan_time_too_old"},
		{keepOwn(now.Unix(), token).with("kind", "void").with("at", first["at"]).with("voids", first["id"]), "undo_too_late"},
		{keepOwn(now.Unix(), token).with("kind", "void").with("voids", first["id"]), "scan_id_time"},
	}
	queue, want := []queued{second}, []string{"accepted"}
	for _, r := range refused {
		queue, want = append(queue, r.scan), append(want, r.why)
	}
	wantAnswers(t, b.deliverOwn(now.Unix(), append(queue, first, first, first.with("kind", "out"))...), append(want, "accepted", "duplicate", "id_conflict")...)
	for _, r := range refused {
		wantAnswers(t, b.deliverOwn(now.Unix(), r.scan, second, first), r.why, "duplicate", "duplicate")
	}
	all := b.logged()
	theirs := all[citizen.CompanionScan(first["id"].(uuid.UUID), b.companions[1])]
	if mine := all[first["id"].(uuid.UUID)]; len(all) != 3 || mine.Alias != b.alias || mine.At != at || mine.How != scan.PhoneOffline || mine.Kind != stay.In {
		t.Errorf("%d are logged, mine as %+v", len(all), mine)
	}
	if theirs.Alias != b.companions[1] || theirs.At != at || theirs.How != scan.PhoneOffline || theirs.Kind != stay.In {
		t.Errorf("who was there too is logged as %+v", theirs)
	}
	if strings.Contains(b.log.String(), token[:20]) || strings.Contains(b.log.String(), b.alias.String()) {
		t.Error("the log says who was where")
	}
}

// TestUndoOfAQueue: a tap is taken back for everybody who was there, for a minute and what the network takes, or, where the phone says
// that it was so in time, whenever that is delivered, also where the tap itself never arrived.
func TestUndoOfAQueue(t *testing.T) {
	const life = citizen.UndoFor + citizen.UndoGrace
	for _, c := range []struct {
		after   time.Duration
		thought time.Duration // -1: the id does not tell
		want    string
	}{
		{20 * time.Second, -1, "accepted"},
		{life, -1, "accepted"},
		{life + time.Second, -1, "undo_too_late"},
		{20 * time.Second, 20 * time.Second, "accepted"},
		{time.Hour, 0, "accepted"},
		{time.Hour, citizen.UndoFor, "accepted"},
		{time.Hour, life + time.Second, "undo_too_late"},
		{time.Hour, -time.Hour, "undo_too_late"},
	} {
		b := newBench(t)
		b.companions = []uuid.UUID{uuid.New()}
		made := keepOwn(now.Unix(), b.token(nil)).with("with", []int{0})
		wantAnswers(t, b.deliverOwn(now.Unix(), made), "accepted")
		b.later = c.after
		id := uuid.New()
		if c.thought != -1 {
			id = v7(now.Add(c.thought))
		}
		void := made.with("id", id).with("kind", "void").with("voids", made["id"])
		wantAnswers(t, b.deliverOwn(now.Add(c.after).Unix(), void), c.want)
		voided := make(map[uuid.UUID]uuid.UUID)
		for _, s := range b.stored() {
			if s.Kind == stay.Void {
				voided[s.Alias] = s.Voids
			}
		}
		id = made["id"].(uuid.UUID)
		if c.want != "accepted" {
			if len(voided) != 0 {
				t.Errorf("after %v: %v", c.after, voided)
			}
			continue
		}
		if len(voided) != 2 || voided[b.alias] != id || voided[b.companions[0]] != citizen.CompanionScan(id, b.companions[0]) {
			t.Errorf("after %v: %v", c.after, voided)
		}
	}
}

// TestUndoComesFirst: what takes back a tap may be all that arrives of it, long after, or come together with it.
func TestUndoComesFirst(t *testing.T) {
	b := newBench(t)
	at := now.Add(-time.Hour)
	made := keepOwn(at.Unix(), b.token(nil))
	void := made.with("id", v7(at.Add(20*time.Second))).with("kind", "void").with("voids", made["id"])
	wantAnswers(t, b.deliverOwn(now.Unix(), void), "accepted")
	wantAnswers(t, b.deliverOwn(now.Unix(), made, void), "accepted", "duplicate")
}

// TestOwnQueueClocks: a phone that is hours slow, hours fast, or was set anew while it had no network.
func TestOwnQueueClocks(t *testing.T) {
	for _, c := range []struct {
		name      string
		at, sent  time.Duration // by the phone's clock, from now
		age, want int64         // age -1: not counted; want: how many seconds ago it is logged
		how       scan.How
	}{
		{"right", -time.Minute, 0, -1, 60, scan.PhoneOffline},
		{"at once", -2 * time.Second, 0, -1, 2, scan.Phone},
		{"3 h slow", -3*time.Hour - time.Minute, -3 * time.Hour, -1, 60, scan.PhoneOffline},
		{"3 h fast", 3*time.Hour - time.Minute, 3 * time.Hour, -1, 60, scan.PhoneOffline},
		{"set back in between", time.Hour, -time.Hour, 600, 600, scan.PhoneOffline},
		{"set forward in between", -9 * time.Hour, 5 * time.Hour, 600, 600, scan.PhoneOffline},
	} {
		b := newBench(t)
		q := keepOwn(now.Add(c.at).Unix(), b.token(nil))
		if c.age >= 0 {
			q["age"] = c.age
		}
		wantAnswers(t, b.deliverOwn(now.Add(c.sent).Unix(), q), "accepted")
		wantAnswers(t, b.deliverOwn(now.Add(c.sent+time.Second).Unix(), q), "duplicate") // measured anew, a moment later
		s := b.logged()[q["id"].(uuid.UUID)]
		if now.Unix()-s.At != c.want || s.At-int64(s.Skew) != q["at"] || s.How != c.how {
			t.Errorf("%s: logged as of %d s ago, corrected by %d s, how %d", c.name, now.Unix()-s.At, s.Skew, s.How)
		}
	}
}

// TestQueuesComeOnce: whatever parts of a queue are sent, in whatever order and however often, by a phone whose clock is wrong, each
// person is recorded once for each tap, at its time.
func TestQueuesComeOnce(t *testing.T) {
	b := newBench(t)
	b.companions = []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	token := b.token(nil)
	rapid.Check(t, func(t *rapid.T) {
		ahead := rapid.Int64Range(-4*3600, 4*3600).Draw(t, "ahead")
		type want struct {
			alias uuid.UUID
			at    int64
		}
		expected, scans := make(map[uuid.UUID]want), []queued(nil)
		for i := range rapid.IntRange(1, 6).Draw(t, "taps") {
			ago := rapid.Int64Range(0, 3000).Draw(t, fmt.Sprint("ago ", i))
			q := keepOwn(now.Unix()-ago+ahead, token)
			id := q["id"].(uuid.UUID)
			expected[id] = want{b.alias, now.Unix() - ago}
			with := rapid.SliceOfDistinct(rapid.IntRange(0, 2), rapid.ID).Draw(t, fmt.Sprint("with ", i))
			for _, k := range with {
				expected[citizen.CompanionScan(id, b.companions[k])] = want{b.companions[k], now.Unix() - ago}
			}
			scans = append(scans, q.with("with", with))
		}
		for range 3 {
			b.perhapsDeliver(t, scans, ahead)
		}
		b.results(b.do(ownRequest(goodCredential, now.Unix()+ahead, scans...)))
		all, count := b.logged(), 0
		for _, s := range b.stored() {
			if _, mine := expected[s.ID]; mine {
				count++
			}
		}
		for id, want := range expected {
			if s := all[id]; s.Alias != want.alias || s.At != want.at {
				t.Fatalf("%s is logged as %+v, want %+v", id, s, want)
			}
		}
		if count != len(expected) {
			t.Fatalf("%d scans are logged, want %d", count, len(expected))
		}
	})
}

// perhapsDeliver sends some of the scans, in some order, some of them twice.
func (b *bench) perhapsDeliver(t *rapid.T, scans []queued, ahead int64) {
	some := rapid.SliceOfN(rapid.SampledFrom(scans), 0, 2*len(scans)).Draw(t, "sent")
	if len(some) == 0 {
		return
	}
	for i, r := range b.results(b.do(ownRequest(goodCredential, now.Unix()+ahead, some...))) {
		if r.ID != some[i]["id"].(uuid.UUID).String() || r.Code != "" {
			t.Fatalf("answered %+v", r)
		}
	}
}

// TestWhoDeliversAPhonesQueue: who has proved a number that is kept still, as much at a time as a phone keeps.
func TestWhoDeliversAPhonesQueue(t *testing.T) {
	b := newBench(t)
	scans := make([]queued, 101)
	for i := range scans {
		scans[i] = keepOwn(now.Unix()-int64(i), b.token(nil))
	}
	cookie := ownRequest("", now.Unix(), scans[0])
	cookie.AddCookie(&http.Cookie{Name: "credential", Value: goodCredential})
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		says    string
	}{
		"a credential":      {ownRequest(goodCredential, now.Unix(), scans[0]), http.StatusOK, `"id"`},
		"a cookie":          {cookie, http.StatusOK, `"id"`},
		"nobody":            {ownRequest("", now.Unix(), scans[0]), http.StatusUnauthorized, "credential_missing"},
		"another's":         {ownRequest("other", now.Unix(), scans[0]), http.StatusUnauthorized, "credential"},
		"too many":          {ownRequest(goodCredential, now.Unix(), scans...), http.StatusRequestEntityTooLarge, "queue_too_large"},
		"none":              {ownRequest(goodCredential, now.Unix()), http.StatusBadRequest, "batch_empty"},
		"no clock":          {ownRequest(goodCredential, 0, scans[0]), http.StatusBadRequest, "sent_at_missing"},
		"an alias of all":   {gateRequest(ownQueuePath, goodCredential, `{"sent_at":1,"scans":[{}],"alias":"x"}`), http.StatusBadRequest, "body_malformed"},
		"not even an array": {gateRequest(ownQueuePath, goodCredential, `{"sent_at":1,"scans":7}`), http.StatusBadRequest, "body_malformed"},
	} {
		do := b.do
		if c.status == http.StatusOK {
			do = described(t, b)
		}
		if res := do(c.request); res.Code != c.status || !strings.Contains(res.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d %s", name, res.Code, res.Body, c.status, c.says)
		}
	}
	b.forgotten = true
	if res := b.do(ownRequest(goodCredential, now.Unix(), scans[1])); res.Code != http.StatusUnauthorized || !strings.Contains(res.Body.String(), "number_not_kept") {
		t.Errorf("somebody who cannot be told: %d %s", res.Code, res.Body)
	}
}
