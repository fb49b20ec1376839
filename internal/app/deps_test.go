package app_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/truyvet/truyvet/"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// TestImportDirections holds the direction in which rooms may import one another:
//
//	cmd → cli → app → delivery and adapters → domain → contracts → public packages
func TestImportDirections(t *testing.T) {
	packages := list(t)
	rooms := make(map[string]pkg, len(packages))
	for _, p := range packages {
		rooms[strings.TrimPrefix(p.ImportPath, module)] = p
	}

	drivers := []string{
		"github.com/gin-gonic/", "github.com/redis/", "github.com/ClickHouse/", "database/sql", "modernc.org/", "net/http",
		"github.com/alexedwards/scs", "html/template", "github.com/spf13/",
		"github.com/prometheus/",
	}
	domain := []string{
		"internal/scan", "internal/scanlog", "internal/scanstore", "internal/ingest", "internal/worker", "internal/registry",
		"internal/account", "internal/citizen", "internal/places", "internal/cases", "internal/snapshot", "internal/scanmem", "internal/audit", "internal/retention", "internal/sheet", "internal/demo", "internal/vault", "internal/printing", "internal/turnout", "internal/trips", "internal/shown", "internal/sealbox", "internal/gate", "internal/declaration",
	}
	for _, room := range domain {
		p := mustHave(t, rooms, room)
		for _, imported := range p.Imports {
			for _, driver := range drivers {
				if strings.HasPrefix(imported, driver) {
					t.Errorf("%s is domain and imports %s", room, imported)
				}
			}
		}
		for _, dep := range own(p.Deps) {
			for _, delivery := range []string{
				"internal/app", "internal/cli", "internal/httpapi", "internal/webui", "internal/telemetry", "internal/testenv",
				"internal/registry/", "internal/scanlog/", "internal/scanstore/",
			} {
				if dep == delivery || (strings.HasSuffix(delivery, "/") && strings.HasPrefix(dep, delivery)) {
					t.Errorf("%s is domain and depends on %s", room, dep)
				}
			}
		}
	}

	for room, p := range rooms {
		if !strings.HasPrefix(room, "internal/") && !strings.HasPrefix(room, "cmd/") {
			for _, dep := range own(p.Deps) {
				if strings.HasPrefix(dep, "internal/") || strings.HasPrefix(dep, "cmd/") {
					t.Errorf("%s is public and depends on %s", room, dep)
				}
			}
		}
	}
	for _, room := range []string{"qrgen", "tracing", "tracing/stay", "tracing/memindex"} {
		for _, dep := range mustHave(t, rooms, room).Deps {
			foreign := strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") && !strings.HasPrefix(dep, module)
			if foreign && dep != "github.com/google/uuid" {
				t.Errorf("%s is public and small, and depends on %s", room, dep)
			}
		}
	}

	if deps := own(mustHave(t, rooms, "internal/loadgen").Deps); len(deps) > 0 {
		t.Errorf("internal/loadgen knows a server from outside alone and depends on %v", deps)
	}

	adapters := []string{
		"internal/scanlog/redisstream", "internal/scanstore/clickhouse", "internal/scanstore/sqlite", "internal/registry/sqlstore",
	}
	for _, room := range adapters {
		for _, dep := range own(mustHave(t, rooms, room).Deps) {
			for _, other := range adapters {
				if dep == other && other != room {
					t.Errorf("%s depends on the adapter %s", room, dep)
				}
			}
		}
	}

	for _, room := range []string{"page", "visitor", "owner", "door", "desk", "staff", "chart"} {
		for _, dep := range own(mustHave(t, rooms, "internal/webui/"+room).Imports) {
			shared := dep == "internal/webui/page" || dep == "internal/webui/chart" && room != "page"
			if strings.HasPrefix(dep, "internal/webui") && !shared {
				t.Errorf("internal/webui/%s is one room of the pages and imports %s", room, dep)
			}
		}
	}

	only := map[string][]string{ // package → who may import it
		"internal/app":   {"internal/cli"},
		"internal/cli":   {"cmd/truyvet"},
		"internal/certs": {"internal/app"},
		"internal/testenv": {
			"cmd/devcluster", "internal/benchingest", "internal/benchregistry", "internal/benchwalk", "internal/testenv/testserver", "internal/scanstore/clickhouse/clickhousetest",
			"internal/registry/sqlstore/sqlstoretest",
		},
		"internal/testenv/testserver": {}, // tests
		"internal/testenv/pebble":     {}, // tests

		"internal/account/accounttest":                 {}, // tests
		"internal/scanstore/clickhouse/clickhousetest": {}, // tests
		"internal/registry/sqlstore/sqlstoretest":      {}, // tests
		"internal/testenv/chdb":                        {"internal/benchwalk", "internal/scanstore/clickhouse/clickhousetest"},
	}
	for room, p := range rooms {
		for _, imported := range own(p.Imports) {
			allowed, restricted := only[imported]
			if restricted && !slices.Contains(allowed, room) {
				t.Errorf("%s imports %s, which only %v may", room, imported, allowed)
			}
		}
	}
}

// own returns the module's own packages among paths, as rooms.
func own(paths []string) []string {
	var rooms []string
	for _, path := range paths {
		if room, ours := strings.CutPrefix(path, module); ours {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

func mustHave(t *testing.T, rooms map[string]pkg, room string) pkg {
	t.Helper()
	p, there := rooms[room]
	if !there {
		t.Fatalf("there is no package %s: the layout has changed and this test has not", room)
	}
	return p
}

// list asks the go command for the packages of the module, without their tests.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		packages = append(packages, p)
	}
	return packages
}
