package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/trips"
)

// fakeDrivers writes down what drivers do, and has the last trip that was begun under way.
type fakeDrivers struct {
	did   []string
	board trips.Board
	asked int // how often for what other servers were told
	fails error
}

func (d *fakeDrivers) Refresh(context.Context) error {
	d.asked++
	return d.fails
}

func (d *fakeDrivers) Begin(_ context.Context, gate registry.Account, id uuid.UUID, route string, at int64) (registry.Trip, error) {
	if d.fails != nil {
		return registry.Trip{}, d.fails
	}
	if route == "" {
		return registry.Trip{}, trips.ErrRoute
	}
	d.did = append(d.did, fmt.Sprintf("begin %s at %d", route, at-now.Unix()))
	d.board.Trip = registry.Trip{ID: id, Vehicle: gate.Place, Route: route, Began: at}
	d.board.Routes = slices.Insert(d.board.Routes, 0, route)
	return d.board.Trip, nil
}

func (d *fakeDrivers) End(_ context.Context, _ registry.Account, id uuid.UUID, at int64) (registry.Trip, error) {
	if id != d.board.Trip.ID {
		return registry.Trip{}, registry.ErrNotFound
	}
	d.did = append(d.did, fmt.Sprintf("end at %d", at-now.Unix()))
	d.board.Trip = registry.Trip{}
	return registry.Trip{}, nil
}

func (d *fakeDrivers) Board(context.Context, uuid.UUID) (trips.Board, error) { return d.board, nil }

// TestTripsOfADriver whose clock is an hour slow, and was set while there was no network.
func TestTripsOfADriver(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	do, described := b.do, described(t, b)
	drive := func(body string) (code int, results []string, route string) {
		t.Helper()
		ask := described
		if strings.Contains(body, "stop") || strings.Contains(body, `"at":0`) || len(body) > 4000 { // which the description does not allow
			ask = do
		}
		res := ask(gateRequest("/api/v1/gate/trips", gateKey, body))
		var got struct {
			Results []struct{ Status, Code string }
			Trip    *struct{ Route string }
			Routes  []string
			Code    string
		}
		if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, res.Body)
		}
		for _, r := range got.Results {
			results = append(results, strings.TrimSpace(r.Status+" "+r.Code))
		}
		if got.Trip != nil {
			route = got.Trip.Route
		}
		if res.Code != http.StatusOK {
			results = []string{got.Code}
		}
		return res.Code, results, route
	}
	expect := func(body string, wantCode int, wantRoute string, want ...string) {
		t.Helper()
		if code, results, route := drive(body); code != wantCode || route != wantRoute || !slices.Equal(results, want) {
			t.Errorf("%s: %d %q, on %q", body, code, results, route)
		}
	}
	slow, first, second := now.Unix()-3600, uuid.New(), uuid.New()
	step := func(id uuid.UUID, what, route string, at int64, more string) string {
		return fmt.Sprintf(`{"id":%q,"do":%q,"route":%q,"at":%d%s}`, id, what, route, at, more)
	}
	send := func(steps ...string) string {
		return fmt.Sprintf(`{"sent_at":%d,"steps":[%s]}`, slow, strings.Join(steps, ","))
	}
	expect(`{}`, 200, "")
	expect(send(step(first, "begin", "out", slow-600, ""), step(first, "end", "", slow-300, ""), step(second, "begin", "back", 5, `,"age":60`)),
		200, "back", "accepted", "accepted", "accepted")
	if want := []string{"begin out at -600", "end at -300", "begin back at -60"}; !slices.Equal(b.drivers.did, want) {
		t.Errorf("they did %q", b.drivers.did)
	}
	expect(send(step(first, "end", "", slow, ""), step(second, "stop", "", slow, ""), step(second, "begin", "", slow, ""), step(second, "end", "", 0, ""),
		step(second, "end", "", slow, "")),
		200, "", "refused not_found", "refused trip_step", "refused trip_route", "refused scan_time_missing", "accepted")
	third := uuid.New()
	expect(send(`{"id":"`+third.String()+`","stop":1}`, `7`, step(third, "begin", "on", slow, ""), `{"id":"x"}`, step(third, "end", "", slow, `,"age":"1"`), `null`),
		200, "on", "refused trip_malformed", "refused trip_malformed", "accepted", "refused trip_malformed", "refused trip_malformed",
		"refused scan_time_missing")
	if res := do(gateRequest("/api/v1/gate/trips", gateKey, send(`{"id":"`+third.String()+`","stop":1}`, `{"id":"x"}`))); !strings.Contains(
		res.Body.String(), `"results":[{"id":"`+third.String()+`","status":"refused"`) || !strings.Contains(res.Body.String(), `{"id":"","status":"refused"`) {
		t.Errorf("steps that cannot be read are answered %s", res.Body)
	}
	expect(`{"place":"`+b.gates.gate.Place.String()+`",`+send(step(third, "end", "", slow, ""))[1:], 200, "", "accepted")
	expect(`{"place":"`+uuid.NewString()+`",`+send(step(third, "begin", "x", slow, ""))[1:], 409, "", "gate_moved")
	expect(`{"steps":[`+step(first, "begin", "x", slow, "")+`]}`, 400, "", "sent_at_missing")
	expect(send(slices.Repeat([]string{step(first, "begin", "x", slow, "")}, 51)...), 413, "", "batch_too_large")
	b.drivers.fails = registry.ErrBusy
	expect(send(step(first, "begin", "x", slow, "")), 503, "", "registry_busy")
	b.paced = &errs.Error{Kind: errs.TooMany, Code: "gate_limit", Message: "Too many."}
	expect(send(step(first, "begin", "x", slow, "")), 429, "", "gate_limit")
	if res := do(gateRequest("/api/v1/gate/trips", "tvg_other", `{}`)); res.Code != http.StatusUnauthorized {
		t.Errorf("another key: %d", res.Code)
	}
}
