package page

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestColoursCanBeRead holds the contrast of WCAG 2.1, success criterion 1.4.3, for text, and 1.4.11, 3:1, for the edges
// of fields and the bars of charts.
func TestColoursCanBeRead(t *testing.T) {
	css, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark := tokensOf(t, string(css))
	text := [][2]string{
		{"text", "ground"},
		{"text", "raised"},
		{"muted", "ground"},
		{"muted", "raised"},
		{"accent", "ground"},
		{"accent", "raised"},
		{"on-accent", "accent"},
		{"danger", "ground"},
		{"danger", "danger-ground"},
		{"text", "danger-ground"},
		{"on-danger", "danger"},
		{"success", "ground"},
		{"success", "success-ground"},
		{"text", "success-ground"},
		{"on-success", "success"},
		{"on-success", "stripe"},
		{"on-accent", "stripe-out"},
		{"notice", "notice-ground"},
	}
	edges := [][2]string{{"field-line", "ground"}, {"f1", "ground"}}
	for name, tokens := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range text {
			if c := contrast(t, tokens[pair[0]], tokens[pair[1]]); c < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", name, pair[0], pair[1], c)
			}
		}
		for _, pair := range edges {
			if c := contrast(t, tokens[pair[0]], tokens[pair[1]]); c < 3 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 3", name, pair[0], pair[1], c)
			}
		}
	}
}

// tokensOf reads the colours of both schemes; what dark does not say is as in light.
func tokensOf(t *testing.T, css string) (light, dark map[string]string) {
	t.Helper()
	token := regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`)
	light, dark = make(map[string]string), make(map[string]string)
	inDark := regexp.MustCompile(`(?s)@media \(prefers-color-scheme: dark\) \{.*?\}\s*\}`)
	for _, found := range token.FindAllStringSubmatch(inDark.ReplaceAllString(css, ""), -1) {
		light[found[1]], dark[found[1]] = found[2], found[2]
	}
	for _, block := range inDark.FindAllString(css, -1) {
		for _, found := range token.FindAllStringSubmatch(block, -1) {
			dark[found[1]] = found[2]
		}
	}
	if len(light) < 10 || light["ground"] == dark["ground"] {
		t.Fatalf("the colours could not be read: %v, %v", light, dark)
	}
	return light, dark
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.1.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatalf("%q is no colour", colour)
	}
	channel := func(shift uint) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}
