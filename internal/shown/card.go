package shown

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Card is what is kept of an ID card. All but the number may be empty.
type Card struct {
	Number    string // 12 digits
	OldNumber string // 9 or 12 digits
	Name      string
	BirthYear string
	Address   string
}

// String keeps what is on a card out of every text that one is printed into.
func (Card) String() string { return "card" }

// GoString is String, for %#v.
func (Card) GoString() string { return "card" }

// The code on an ID card (CCCD) has at least seven fields, and newer cards have more:
//
//	number|old number|name|date of birth ddmmyyyy|sex|address|issued ddmmyyyy
//
// It is unsigned: it says who somebody is and proves nothing.
const cardFields = 7

const (
	longestCard    = 1000 // bytes, more than twice the longest
	longestAddress = 300  // characters
)

// LongestName is how many characters a name may have.
const LongestName = 100

// readCard reads the content of a card's code: sex, day and month of birth and the day of issue are looked at and forgotten.
// Fields after the number may be empty; those that are there must be what they are to be.
func readCard(text string) (Card, bool) {
	text = strings.TrimSpace(text)
	fields := strings.Split(text, "|")
	if len(text) > longestCard || !utf8.ValidString(text) || len(fields) < cardFields {
		return Card{}, false
	}
	number, numberOK := IDCardNumber(fields[0])
	old := fields[1]
	name, nameOK := CleanText(fields[2], LongestName)
	born, bornOK := cardDate(fields[3], true)
	address, addressOK := CleanText(fields[5], longestAddress)
	issued, issuedOK := cardDate(fields[6], false)
	oldOK := old == "" || AllDigits(old) && (len(old) == 9 || len(old) == 12)
	if !numberOK || !oldOK || !nameOK || !bornOK || !addressOK || !issuedOK || born != 0 && issued != 0 && issued < born {
		return Card{}, false
	}
	card := Card{Number: number, OldNumber: old, Name: name, Address: address}
	if born != 0 {
		card.BirthYear = strconv.Itoa(born)
	}
	return card, true
}

// cardDate returns the year of a date as cards have it, ddmmyyyy, and 0 for none. Of somebody old the day, or day and month, may
// be 00: they are not known.
func cardDate(text string, mayLackDay bool) (year int, ok bool) {
	if text == "" {
		return 0, true
	}
	if len(text) != 8 || !AllDigits(text) {
		return 0, false
	}
	year, err := strconv.Atoi(text[4:])
	if err != nil || year < 1850 || year > 2150 {
		return 0, false
	}
	switch {
	case mayLackDay && text[:4] == "0000":
		text = "0101" + text[4:]
	case mayLackDay && text[:2] == "00":
		text = "01" + text[2:]
	}
	_, err = time.Parse("02012006", text)
	return year, err == nil
}

// CleanText returns a text of one line with single spaces; not ok is what is too long, no UTF-8, or has characters that nobody
// can read.
func CleanText(text string, longest int) (clean string, ok bool) {
	clean = strings.Join(strings.Fields(text), " ")
	unreadable := func(r rune) bool { return !unicode.IsPrint(r) }
	return clean, utf8.ValidString(clean) && utf8.RuneCountInString(clean) <= longest && strings.IndexFunc(clean, unreadable) < 0
}
