package registry_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           nil,
		" – !":                       nil,
		"Chợ Đồng Xuân":              {"cho", "dong", "xuan"},
		"CHỢ  ĐỒNG-XUÂN (cổng 2)":    {"cho", "dong", "xuan", "cong", "2"},
		"Tru\u031bo\u031b\u0300ng":   {"truong"}, // taken apart already
		"Nguyễn Thị Minh Khai":       {"nguyen", "thi", "minh", "khai"},
		"Ｑuán ① café №5":             {"quan", "1", "cafe", "no5"},
		"Straße Ærø ǅ":               {"straße", "ærø", "dz"},
		"\xff\xfeBến\x00xe":          {"ben", "xe"},
		"Ủy ban nhân dân phường 12A": {"uy", "ban", "nhan", "dan", "phuong", "12a"},
	} {
		if got := registry.Words(text); !slices.Equal(got, want) {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	name := registry.SearchText("Chợ Đồng Xuân")
	for text, want := range map[string]bool{
		"": true, "c": true, "dong cho": true, "Đồng X": true, "xuân": true, "uan": false, "cho ong": false, "chod": false, "cho dong xuan 2": false,
	} {
		if got := registry.Matches(name, registry.Words(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestFileName(t *testing.T) {
	for text, want := range map[string]string{
		"Sạp rau cô Tư": "sap-rau-co-tu", "  Dãy 1 (Rau) ": "day-1-rau", "../../etc/passwd": "etc-passwd", "商店": "", "\"; rm": "rm",
	} {
		if got := registry.FileName(text); got != want {
			t.Errorf("%q is called %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		name := registry.FileName(rapid.String().Draw(r, "text"))
		if len(name) > 60 {
			r.Fatalf("%q is too long", name)
		}
		for _, c := range name {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				r.Fatalf("%q is no name of a file everywhere", name)
			}
		}
	})
}
