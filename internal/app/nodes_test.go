package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/qrgen"
)

// everywhere is how soon every server knows of a revoked code.
const everywhere = 5 * time.Second

// TestEveryServerKnowsARevokedCode has two servers on one registry and one Redis: what the one revokes the other knows in time,
// with Redis and without.
func TestEveryServerKnowsARevokedCode(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t, testenv.RedisOptions{})
	settings := []string{
		"TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://" + freeAddress(t) + "/default",
		"TRUYVET_TRACE_SOURCE=clickhouse",
	}
	data := newData(t)
	one, other := serveOn(t, data, settings...), serveOn(t, data, settings...)
	owner := registry.Account{Role: registry.RoleOwner, Organisation: uuid.New()}
	if err := one.parts.Registry.PutOrganisation(t.Context(), registry.Organisation{ID: owner.Organisation, Name: "O"}); err != nil {
		t.Fatal(err)
	}
	place, err := one.parts.Places.Create(t.Context(), owner, places.NewPlace{Name: "A", Kind: qrgen.KindShop})
	if err != nil {
		t.Fatal(err)
	}
	// answers waits until the other server answers a code with a status, and returns how long that took.
	answers := func(code string, status int) time.Duration {
		t.Helper()
		began := time.Now()
		for got := 0; got != status; time.Sleep(20 * time.Millisecond) {
			if got = other.get(other.base + "/q/" + code).status; time.Since(began) > time.Minute {
				t.Fatalf("the other server answers %d, want %d", got, status)
			}
		}
		return time.Since(began)
	}
	answers(place.Code, http.StatusOK)
	reissue := func(with string) {
		t.Helper()
		renewed, err := one.parts.Places.Reissue(t.Context(), owner, place.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		if took := answers(place.Code, http.StatusGone); took > everywhere {
			t.Errorf("%s: the old code was taken for %v", with, took)
		}
		answers(renewed.Code, http.StatusOK)
		place = renewed
	}
	reissue("with Redis")

	if err := redis.Kill(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); other.get(other.base+"/readyz").status != http.StatusServiceUnavailable; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("the other server does not say that Redis is away")
		}
	}
	reissue("without Redis")
	if a := other.send(uuid.New(), 1, "192.0.2.1"); a.status != http.StatusServiceUnavailable || a.retry == "" {
		t.Errorf("a scan that cannot be kept is answered %d: %s", a.status, a.body)
	}
}
