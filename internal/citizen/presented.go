package citizen

import (
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

// ErrPresented says that what was presented names nobody. Compare with errors.Is; it does not hold what was presented.
var ErrPresented = errs.New(errs.Invalid, "gate_input", "This is neither an ID card number nor a phone number.")

// cardFields is how many fields the code on an ID card has at least:
//
//	number|old number|name|date of birth ddmmyyyy|sex|address|issued ddmmyyyy
//
// Newer cards have more.
const cardFields = 7

// Presented is whom something names that was shown or told at a gate. It holds nothing of it.
type Presented struct {
	Alias uuid.UUID
	Kind  string // KindPhone or KindIDCard
	Card  bool   // whether it was the content of a card's code, and not a number
}

// Presented reads what a guard typed or a reader of codes typed for them: the content of the code on an ID card, of which the
// number alone counts; the number of an ID card, with or without space, dots or hyphens in it; or a phone number as Phone
// takes it. The error is ErrPresented.
func (p *Pseudonyms) Presented(text string) (Presented, error) {
	if !utf8.ValidString(text) {
		return Presented{}, ErrPresented
	}
	if strings.Contains(text, "|") {
		fields := strings.Split(text, "|")
		alias, err := p.IDCard(fields[0])
		if err != nil || len(fields) < cardFields {
			return Presented{}, ErrPresented
		}
		return Presented{Alias: alias, Kind: KindIDCard, Card: true}, nil
	}
	if alias, err := p.IDCard(separators.Replace(text)); err == nil {
		return Presented{Alias: alias, Kind: KindIDCard}, nil
	}
	alias, err := p.Phone(text)
	if err != nil {
		return Presented{}, ErrPresented
	}
	return Presented{Alias: alias, Kind: KindPhone}, nil
}
