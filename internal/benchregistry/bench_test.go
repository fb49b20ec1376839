package benchregistry_test

import (
	"io"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/internal/benchregistry"
)

// TestSmall runs the whole of it with few places.
func TestSmall(t *testing.T) {
	var out strings.Builder
	o := benchregistry.Options{Places: 3000, Searches: 5, Engines: []string{"sqlite", "postgres"}}
	if err := benchregistry.Run(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, engine := range o.Engines {
		for _, name := range []string{".import", ".search.p95", ".search.apart.max", ".names_memory"} {
			if !strings.Contains(out.String(), "\n"+engine+name+" ") {
				t.Errorf("there is no %s%s in\n%s", engine, name, out.String())
			}
		}
	}
	if err := benchregistry.Run(t.Context(), benchregistry.Options{Engines: []string{"x"}}, io.Discard, io.Discard); err == nil {
		t.Error("an unknown engine is measured")
	}
}
