package poster

import (
	"slices"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"pgregory.net/rapid"
)

// TestMaskDoesNotDependOnTheEncodersChoice is what makes drawing deterministic:
// whichever of two tied masks the encoder happens to hand out, the symbol drawn
// is the same.
func TestMaskDoesNotDependOnTheEncodersChoice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[A-Z0-9:/. ]{1,180}`).Draw(rt, "text")
		drawn, err := newSymbol(text)
		if err != nil {
			rt.Fatal(err)
		}
		chosen, err := drawn.mask()
		if err != nil {
			rt.Fatal(err)
		}
		for mask := range maskCount {
			handedOut := drawn.remask(chosen, mask, drawn.reserved())
			if got, err := handedOut.mask(); err != nil || got != mask {
				rt.Fatalf("under mask %d it says %d, %v", mask, got, err)
			}
			again, err := handedOut.canonical()
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.Equal(again.modules, drawn.modules) {
				rt.Fatalf("handed out under mask %d it is drawn otherwise", mask)
			}
		}
	})
}

func TestSymbolWithoutFormatIsRefused(t *testing.T) {
	blank := symbol{side: 21, modules: make([]bool, 21*21)}
	if _, err := blank.canonical(); err == nil {
		t.Error("a blank symbol was taken for one of level M")
	}
}

// TestTiesGoToTheLowestMask looks for symbols whose lowest penalty two masks
// share.
func TestTiesGoToTheLowestMask(t *testing.T) {
	ties := 0
	for i := 0; i < 4000 && ties < 5; i++ {
		text := make([]byte, 0, 12)
		for n := i + 1; n > 0; n /= 26 {
			text = append(text, byte('A'+n%26))
		}
		s, err := newSymbol(string(text))
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := s.mask()
		if err != nil {
			t.Fatal(err)
		}
		for mask := range maskCount {
			if mask != chosen && s.remask(chosen, mask, s.reserved()).penalty() == s.penalty() {
				ties++
				if mask < chosen {
					t.Errorf("%s: mask %d was drawn though %d is as good", text, chosen, mask)
				}
			}
		}
	}
	if ties < 5 {
		t.Fatalf("only %d ties found", ties)
	}
}

func TestAlignmentCentres(t *testing.T) {
	for version := 1; version <= 40; version++ {
		v, err := decoder.Version_GetVersionForNumber(version)
		if err != nil {
			t.Fatal(err)
		}
		if got := alignmentCentres(version); !slices.Equal(got, v.GetAlignmentPatternCenters()) {
			t.Errorf("version %d: %v, want %v", version, got, v.GetAlignmentPatternCenters())
		}
	}
}
