package door

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// gateAlone is what the page's scripts need to go on without a network. Without the decoder, which `make` builds, Worker, Exec and
// Wasm are empty: the form sends what is shown, and the camera is the browser's own affair.
type gateAlone struct {
	Place              uuid.UUID
	Zone               int    // seconds by which the reader's clock is ahead of UTC
	Words              string // what the scripts say, as JSON
	Worker, Exec, Wasm string // addresses
}

// gateWords are the texts that the scripts say, by what follows "gate.", and of trips by "trip_" and what follows the point.
var gateWords = []string{
	"gate.in", "gate.out", "gate.undone", "gate.not_recorded", "gate.kept", "gate.online", "gate.offline", "gate.locked", "gate.full",
	"gate.undelivered", "gate.refusals", "gate.fault", "gate.waiting_in", "gate.waiting_out", "gate.camera_on", "gate.camera_off",
	"gate.camera_fault", "gate.inside", "gate.inside_about", "gate.scanning", "gate.unsure", "gate.revoked_old", "gate.revoked_none",
	"gate.declared_missing", "gate.declared_done", "gate.declared_attention",
	"trip.since", "trip.first", "trip.other", "trip.refused",
}

// gateRefusals are what a gate's scripts refuse by themselves, or the server refuses of what they have kept.
var gateRefusals = []*errs.Error{
	citizen.ErrPresented, citizen.ErrCodeOver, errPlaceBad, errPlaceScreen, places.ErrOutside,
	ingest.CodeError(qrgen.ErrRevoked), ingest.CodeError(qrgen.ErrExpired), ingest.ErrTooOld, ingest.ErrFuture,
	trips.ErrNoVehicle, trips.ErrRoute, trips.ErrTime, trips.ErrTooMany,
}

// gateAlone makes what the scripts need.
func (p *Pages) gateAlone(c *gin.Context) (gateAlone, error) {
	texts, now := p.Texts(c), p.Clock()
	words := make(map[string]string)
	for _, key := range gateWords {
		words[strings.ReplaceAll(strings.TrimPrefix(key, "gate."), ".", "_")] = texts.Text(key)
	}
	for _, kind := range qrgen.Kinds() {
		words["kind_"+kind.String()] = texts.Text("kind." + kind.String())
	}
	for _, refusal := range gateRefusals {
		told := page.ProblemOf(texts, refusal)
		words[refusal.Code] = told.Happened + " " + told.Do
	}
	data, err := json.Marshal(words)
	if err != nil {
		return gateAlone{}, fmt.Errorf("writing the words of the gate: %w", err)
	}
	_, zone := now.In(p.Location).Zone()
	alone := gateAlone{Place: page.Actor(c).Place, Zone: zone, Words: string(data)}
	exec, errExec := p.Asset("wasm_exec.js")
	wasm, errWasm := p.Asset("gate.wasm")
	if errExec == nil && errWasm == nil {
		alone.Exec, alone.Wasm = exec, wasm
		alone.Worker, err = p.Asset("gate-worker.js")
	}
	return alone, err
}
