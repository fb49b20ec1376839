// Package shown reads what is shown or told at a gate: the code of an ID card, a personal code, the code of a place, the number
// of a card, a phone number; also where a reader typed it in the wrong layout of the keyboard. It is pure, so that a server and
// a gate's device without a network read the same.
package shown

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/truyvet/truyvet/qrgen"
)

// Kind is what a text is.
type Kind string

// The kinds. A code is known by its form alone; whether it is good is for whoever has the keys.
const (
	Nothing      Kind = ""
	IDCard       Kind = "card"   // the content of the code on an ID card
	PersonalCode Kind = "code"   // the token of a qrgen.PersonalCode, or what only looks like one
	PlaceCode    Kind = "place"  // the token of a qrgen.Token
	IDNumber     Kind = "number" // of an ID card, as it is typed
	PhoneNumber  Kind = "phone"  // as it is typed
)

// LongestText is how many bytes a text may have that is looked at.
const LongestText = longestCard

// Shown is what a text says.
type Shown struct {
	Kind   Kind
	Number string // of the card or the phone: digits alone
	Token  string // of the code, in upper case
	Card   Card   // where it is an IDCard
}

// String keeps what was shown out of every text that it is printed into.
func (Shown) String() string { return "shown" }

// GoString is String, for %#v.
func (Shown) GoString() string { return "shown" }

// Read says what a text is. Space around it does not matter, and neither do spaces, dots and hyphens in a number. Whatever else
// it may be is Nothing.
func Read(text string) Shown {
	text = strings.TrimSpace(text)
	if len(text) > LongestText || !utf8.ValidString(text) {
		return Shown{}
	}
	if strings.Contains(text, "|") {
		card, ok := readCard(text)
		if !ok {
			return Shown{}
		}
		return Shown{Kind: IDCard, Number: card.Number, Card: card}
	}
	if token, err := qrgen.FromURL(text); err == nil {
		if _, err := qrgen.Parse(token); err == nil {
			return Shown{Kind: PlaceCode, Token: token}
		}
		return Shown{Kind: PersonalCode, Token: token}
	}
	if number, ok := IDCardNumber(separators.Replace(text)); ok {
		return Shown{Kind: IDNumber, Number: number}
	}
	if number, ok := Phone(text); ok {
		return Shown{Kind: PhoneNumber, Number: number}
	}
	return Shown{}
}

// private is in what readers type of somebody, wherever it was cut off: the fields of a card, the address of a code, a number of
// nine digits or more.
var private = regexp.MustCompile(`[|]|://|[0-9]{9}`)

// Personal says whether a text that is to be kept in the clear, the name of something, may be of somebody instead: a card or a code that
// a reader typed into the wrong field, whole or only a part of it.
func Personal(text string) bool {
	return private.MatchString(text) || Read(text).Kind != Nothing
}
