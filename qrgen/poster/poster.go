// Package poster draws codes: the QR symbol of a text alone, as PNG or SVG with its quiet zone, and whole posters to print
// and hang up, as PDF, SVG or PNG. Drawing has no hidden inputs; the same texts and options give the same bytes.
package poster

import (
	"errors"
	"fmt"
	"time"

	"github.com/truyvet/truyvet/qrgen"
)

// Poster is what one printed code says.
type Poster struct {
	// Code is what the symbol holds: the URL of [qrgen.URL].
	Code string
	// Name is the place's; of a part, that of the place it belongs to.
	Name string
	// Part is the name of the room, gate, stall or vehicle that the code is for, empty if it is for the place itself.
	Part    string
	Address string
	Serial  uint32
	Issued  time.Time
	// Check is the short code of [qrgen.CheckCode].
	Check string
	// Report says whom to tell of a wrong poster, such as a phone number; empty for whoever runs the place.
	Report string
	// Logo is drawn beside the title, never over the code; nil for none.
	Logo *Logo
}

// New returns the poster of a signed token, whose URL is under a base, with what the token says filled in. The caller adds
// names and the rest. The errors are those of [qrgen.URL] and [qrgen.Parse]; the signature is not verified.
func New(base, token string) (Poster, error) {
	code, err := qrgen.URL(base, token)
	if err != nil {
		return Poster{}, err
	}
	u, err := qrgen.Parse(token)
	if err != nil {
		return Poster{}, err
	}
	check, err := qrgen.CheckCode(token)
	if err != nil {
		return Poster{}, err
	}
	return Poster{Code: code, Serial: u.Token.Serial, Issued: u.Token.IssuedAt, Check: check}, nil
}

// Style says how posters are laid out.
type Style struct {
	Format   Format
	Language Language
	// Location is whose days the dates are; nil for UTC.
	Location *time.Location
}

// ErrName means that nothing of a place's name can be printed.
var ErrName = errors.New("nothing of the name can be printed")

// maxText is how much of a text is looked at, in bytes: more than any format has room for.
const maxText = 4096

// prepared is a poster with its texts as they can be set, and its symbol.
type prepared struct {
	Poster
	symbol symbol
}

// prepare says what is wrong with a poster before anything of it is drawn.
func (t *typesetter) prepare(p Poster) (prepared, error) {
	for _, text := range []*string{&p.Name, &p.Part, &p.Address, &p.Report} {
		*text, _ = t.printable((*text)[:min(len(*text), maxText)])
	}
	if p.Name == "" {
		p.Name, p.Part = p.Part, ""
	}
	if p.Name == "" {
		return prepared{}, ErrName
	}
	if p.Code == "" || p.Code != t.code {
		s, err := newSymbol(p.Code)
		if err != nil {
			return prepared{}, err
		}
		t.code, t.symbol = p.Code, s
	}
	return prepared{p, t.symbol}, nil
}

func (s Style) check() error {
	if !s.Format.valid() || !s.Language.valid() {
		return fmt.Errorf("%v in %v is no style of posters", s.Format, s.Language)
	}
	return nil
}

func (s Style) location() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}
