package shown

import "strings"

// Phone returns a phone number as it is dialled inside the country, digits only. Between digits it ignores spaces
// (the unbreakable one too), dots, hyphens and parentheses. The plan of numbers is that of Circular 22/2014/TT-BTTTT as it
// stands since 2018: mobile numbers have 10 digits with the leading 0, fixed lines 11 and begin with 02.
func Phone(text string) (string, bool) {
	const longest = 40 // bytes, with every separator that people put in
	text = strings.TrimSpace(text)
	if len(text) > longest {
		return "", false
	}
	digits, international := strings.CutPrefix(separators.Replace(text), "+")
	if !AllDigits(digits) {
		return "", false
	}
	if rest, found := strings.CutPrefix(digits, "84"); found {
		digits = "0" + rest
	} else if international {
		return "", false
	}
	switch {
	case len(digits) == 10 && digits[0] == '0' && strings.IndexByte("35789", digits[1]) >= 0:
		return digits, true
	case len(digits) == 11 && strings.HasPrefix(digits, "02"):
		return digits, true
	}
	return "", false
}

// separators removes what people put between digits.
var separators = strings.NewReplacer(" ", "", "\u00a0", "", ".", "", "-", "", "(", "", ")", "")

// IDCardNumber returns the 12 digits of an ID card's number; space around them is ignored.
func IDCardNumber(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) != 12 || !AllDigits(text) {
		return "", false
	}
	return text, true
}

// AllDigits says whether s is made of ASCII digits alone.
func AllDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
