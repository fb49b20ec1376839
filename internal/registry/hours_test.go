package registry_test

import (
	"testing"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestParseHours(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "",
		" 24/7 ":                                 "24/7",
		"7:00-17:00":                             "Mo-Su 07:00-17:00",
		"T2-T6 07:00-17:00":                      "Mo-Fr 07:00-17:00",
		"mo-fr 07:00-11:30, 13:00-17:00; CN off": "Mo-Fr 07:00-11:30,13:00-17:00; Su off",
		"Mo-Su 06:00-22:00; We off":              "Mo-Tu 06:00-22:00; We off; Th-Su 06:00-22:00",
		"Sa-Mo 18:00-02:00":                      "Mo 18:00-02:00; Sa-Su 18:00-02:00",
		"Mo,We 13:00-24:00,00:00-01:00":          "Mo 00:00-01:00,13:00-24:00; We 00:00-01:00,13:00-24:00",
		"Mo-Fr 07:00-17:00; Sa 07:00-11:30; Fr 9:00-9:30": "Mo-Th 07:00-17:00; Fr 09:00-09:30; Sa 07:00-11:30",
	} {
		got, err := registry.ParseHours(text)
		if err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"always", "Mo", "Mo-", "Mo 7-17", "Mo 07:00", "Mo 07:00-07:00", "Mo 24:00-25:00", "Mo 07:60-08:00", "T8 07:00-08:00", "Mo 07:00-08:00;",
		"Mo-Fr-Su 07:00-08:00", "Mo 07:0-08:00", "Mo -7:00-08:00", ";", "off-off", "Mo  ",
	} {
		if got, err := registry.ParseHours(text); err == nil {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func FuzzParseHours(f *testing.F) {
	f.Add("Mo-Fr 07:00-17:00; Sa 07:00-11:30,13:00-15:00; Su off")
	f.Add("T2-CN 22:00-02:00")
	f.Fuzz(func(t *testing.T, text string) {
		kept, err := registry.ParseHours(text)
		if err != nil {
			return
		}
		if again, err := registry.ParseHours(kept); err != nil || again != kept {
			t.Errorf("%q is kept as %q, and that as %q, %v", text, kept, again, err)
		}
	})
}
