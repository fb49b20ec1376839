package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// fakeDeclarations has everybody's declaration stand alike, and reads one among details with a phone number.
type fakeDeclarations struct {
	state declaration.State
	fails error
	asked []uuid.UUID
}

func (d *fakeDeclarations) AtDoor(_ context.Context, _ uuid.UUID, aliases ...uuid.UUID) ([]declaration.State, error) {
	d.asked = append(d.asked, aliases...)
	states := make([]declaration.State, len(aliases))
	for i := range states {
		states[i] = d.state
	}
	return states, d.fails
}

func (d *fakeDeclarations) Read(_ context.Context, details vault.Details) ([]declaration.Filled, error) {
	if details[vault.Phone] == "" {
		return nil, nil
	}
	return []declaration.Filled{{
		Given: declaration.Given{Day: "2021-12-02", At: 7, Form: "general", Version: 1, Attention: true}, Title: declaration.Text{Vi: "Khai báo", En: "Declaration"},
		Lines: []declaration.Line{{ID: "case", Question: declaration.Text{Vi: "?", En: "?"}, Answers: []declaration.Text{{Vi: "Có", En: "Yes"}}, Attention: true}},
	}}, nil
}

// TestGateSeesWhoHasDeclared: of who comes in now, and no more than how it stands.
func TestGateSeesWhoHasDeclared(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	scan := func(kind string) string {
		t.Helper()
		body := fmt.Sprintf(`{"id":%q,"presented":%q,"kind":%q}`, uuid.New(), someone, kind)
		res := do(gateRequest("/api/v1/gate/scans", gateKey, body))
		var answer struct{ Status, Declaration string }
		if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil || answer.Status != "accepted" {
			t.Errorf("answered %d, %s", res.Code, res.Body)
		}
		return answer.Declaration
	}
	queue := func(age int64) string {
		t.Helper()
		at := now.Unix() - age
		scans := []queued{b.keep(uuid.New(), at, someone), b.keep(uuid.New(), at, someone).with("kind", "out"), b.keep(uuid.New(), at, someone).with("kind", "renew")}
		body, err := json.Marshal(map[string]any{"sent_at": now.Unix(), "scans": scans})
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Results []struct{ Status, Declaration string }
		}
		res := do(gateRequest("/api/v1/gate/queue", gateKey, string(body)))
		if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil || len(answer.Results) != 3 || answer.Results[1].Status != "accepted" ||
			answer.Results[1].Declaration+answer.Results[2].Declaration != "" {
			t.Errorf("answered %d, %s", res.Code, res.Body)
		}
		return answer.Results[0].Declaration
	}
	for _, state := range []declaration.State{declaration.NotAsked, declaration.Missing, declaration.Done, declaration.Attention} {
		b.declared.state = state
		if in, out := scan("in"), scan("out"); in != string(state) || out != "" {
			t.Errorf("it stands %q: told are %q and, of who leaves, %q", state, in, out)
		}
		if fresh, old := queue(5), queue(3600); fresh != string(state) || old != "" {
			t.Errorf("it stands %q: told are %q and, of who came an hour ago, %q", state, fresh, old)
		}
	}
	b.declared.fails = errors.New("the registry is away")
	if in, fresh := scan("in"), queue(5); in+fresh != "" {
		t.Errorf("what is not known is told as %q, %q", in, fresh)
	}
	if text := b.log.String(); !strings.Contains(text, "not seen who has declared") || strings.Contains(text, someone) {
		t.Errorf("logged is %s", text)
	}
	for _, alias := range b.declared.asked {
		if alias != b.alias {
			t.Errorf("asked about %v", b.declared.asked)
		}
	}
}
