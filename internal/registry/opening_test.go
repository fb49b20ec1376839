package registry_test

import (
	"reflect"
	"testing"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestOpeningSpans(t *testing.T) {
	day, night := registry.Span{From: 7 * 60, To: 17 * 60}, registry.Span{From: 22 * 60, To: 26 * 60}
	for text, want := range map[string][7][]registry.Span{
		"24/7":                       {{{0, 1440}}, {{0, 1440}}, {{0, 1440}}, {{0, 1440}}, {{0, 1440}}, {{0, 1440}}, {{0, 1440}}},
		"T2-T3 07:00-17:00":          {{day}, {day}},
		"Sa 22:00-02:00; Su off":     {5: {night}},
		"We 22:00-02:00,07:00-17:00": {2: {day, night}},
	} {
		hours, err := registry.ParseHours(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, known := registry.OpeningSpans(hours); !known || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "whenever"} {
		if _, known := registry.OpeningSpans(text); known {
			t.Errorf("%q is known", text)
		}
	}
}
