package benchposters_test

import (
	"strings"
	"testing"

	"github.com/truyvet/truyvet/internal/benchposters"
)

// TestSmall runs the whole of it with few posters.
func TestSmall(t *testing.T) {
	var out strings.Builder
	if err := benchposters.Run(t.Context(), benchposters.Options{Posters: 2}, &out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a6.book_pdf", "a4.svg", "a4.png_300dpi", "code.png", "qrencode.svg"} {
		for _, what := range []string{".rate ", ".size "} {
			if !strings.Contains("\n"+out.String(), "\n"+name+what) {
				t.Errorf("there is no %s%s in\n%s", name, what, out.String())
			}
		}
	}
}
