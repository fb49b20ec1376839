package page

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Chợ Bến Gạo": "cho ben gao", "ĐƯỜNG Lò Đường": "duong lo duong", "Ởậẵặỹ ỹ ẤẨ": "oaaay y aa",
		"Cafe\u0301": "cafe", "số 12": "so 12", "\xff": "\ufffd",
	} {
		if got := Fold(text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	}
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "Cổng", "Cổng 1", "Cổng 02", "Cổng 2b", "Cổng 10", "Dãy 1 (Rau)", "Dãy 1 (Thịt)", "Dãy 9", "Dãy 100", "đông", "Tây"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, compareNatural)
	if !slices.Equal(got, want) {
		t.Errorf("sorted %q, want %q", got, want)
	}
	name := rapid.StringMatching(`[a-cĐ ]{0,2}[0-9]{0,3}[a-b]?[0-9]{0,2}`)
	rapid.Check(t, func(r *rapid.T) {
		a, b, c := name.Draw(r, "a"), name.Draw(r, "b"), name.Draw(r, "c")
		if compareNatural(a, b) != -compareNatural(b, a) {
			r.Fatalf("%q and %q have no order", a, b)
		}
		if compareNatural(a, b) <= 0 && compareNatural(b, c) <= 0 && compareNatural(a, c) > 0 {
			r.Fatalf("%q, %q, %q go in a circle", a, b, c)
		}
	})
}
