package poster

import (
	"fmt"
	"strings"
)

// Format is the paper and how it is laid out.
type Format uint8

// The formats. With a symbol of version 8 or below, that is under https with a host of up to 56 characters, modules are 3.4 mm
// or more on A4, which reads from 2 m, 2.4 mm on A5, 1.7 mm on A6, tents and strips, and 1.3 mm on stickers, which reads from
// half a metre. Longer hosts make smaller modules.
const (
	A4      Format = iota + 1 // 210 × 297 mm
	A5                        // 148.5 × 210 mm
	A6                        // 105 × 148.5 mm
	Tent                      // A4 folded to stand on a table, the same on both sides
	Sticker                   // A4 with four of 100 × 100 mm and marks to cut them out
	Strip                     // A4 across with two of 297 × 105 mm, for the door of a vehicle
)

// formats are what there is to know of a format by its number.
var formats = [...]struct {
	name          string
	width, height float64 // of the sheet, in millimetres
	perSheet      int
}{
	A4:      {"A4", 210, 297, 1},
	A5:      {"A5", 148.5, 210, 1},
	A6:      {"A6", 105, 148.5, 1},
	Tent:    {"tent", 210, 297, 1},
	Sticker: {"sticker", 210, 297, 4},
	Strip:   {"strip", 297, 210, 2},
}

// Formats returns all of them.
func Formats() []Format { return []Format{A4, A5, A6, Tent, Sticker, Strip} }

// ParseFormat returns the format of a name as [Format.String] gives it, in any case.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if strings.EqualFold(name, f.String()) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("there is no poster format %q", name)
}

// String returns the format's name: A4, A5, A6, tent, sticker or strip.
func (f Format) String() string {
	if !f.valid() {
		return fmt.Sprintf("format %d", uint8(f))
	}
	return formats[f].name
}

// PerSheet returns how many posters a sheet takes. A tent's two sides are one poster.
func (f Format) PerSheet() int { return formats[f].perSheet }

func (f Format) valid() bool { return f >= A4 && f <= Strip }

// Language is what a poster's own words are in. The names of places are printed as they are.
type Language uint8

// The languages.
const (
	Both       Language = iota // Vietnamese first, English beside it
	Vietnamese                 // alone
	English                    // alone
)

var languages = [...]string{Both: "vi+en", Vietnamese: "vi", English: "en"}

// ParseLanguage returns the language of a name as [Language.String] gives it.
func ParseLanguage(name string) (Language, error) {
	for l, known := range languages {
		if name == known {
			return Language(l), nil
		}
	}
	return 0, fmt.Errorf("there are no posters in %q", name)
}

// String returns the language's name: vi+en, vi or en.
func (l Language) String() string {
	if !l.valid() {
		return fmt.Sprintf("language %d", uint8(l))
	}
	return languages[l]
}

func (l Language) valid() bool { return int(l) < len(languages) }
