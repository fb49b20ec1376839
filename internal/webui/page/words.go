package page

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/truyvet/truyvet/internal/registry"
)

// Fold writes a text as somebody types it who leaves out the marks: in lower case, without the marks of Vietnamese and other
// Latin letters, đ as d. What is no UTF-8 stays as it is.
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, norm.NFD.String(strings.ToLower(text)))
}

// compareNatural orders names as people do: without regard to marks and case, and numbers in them by their value, so that
// row 2 comes before row 10.
func compareNatural(a, b string) int {
	a, b = Fold(a), Fold(b)
	for a != "" && b != "" {
		n, m := leadingDigits(a), leadingDigits(b)
		if n > 0 && m > 0 {
			first, second := strings.TrimLeft(a[:n], "0"), strings.TrimLeft(b[:m], "0")
			if c := cmp.Or(cmp.Compare(len(first), len(second)), strings.Compare(first, second)); c != 0 {
				return c
			}
			a, b = a[n:], b[m:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// leadingDigits returns how many digits a text begins with.
func leadingDigits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789"))
}

// InOrder returns places in the natural order of their names; those of one name stay in the order given.
func InOrder(list []registry.Place) []registry.Place {
	return slices.SortedStableFunc(slices.Values(list), func(a, b registry.Place) int { return compareNatural(a.Name, b.Name) })
}
