package registry

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Words returns the words of a text as they are looked for: in small letters, without the marks of Vietnamese or any other
// language, so that "Chợ Đồng Xuân" and "cho dong xuan" have the same. A word is a run of letters and digits.
func Words(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ' || r == 'Đ': // a letter of its own, which nothing takes apart
			return 'd'
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(strings.ToValidUTF8(text, " ")))
	return strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// SearchText is the words of a name as they are stored, for Matches.
func SearchText(name string) string { return strings.Join(Words(name), " ") }

// FileName writes a name as part of a file's name that every system takes: letters a to z, digits and hyphens, at most 60 of them.
func FileName(name string) string {
	words := strings.FieldsFunc(SearchText(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	file := strings.Join(words, "-")
	return strings.Trim(file[:min(len(file), 60)], "-")
}

// Matches says whether each of the words begins a word of a name, given as its search text.
func Matches(search string, words []string) bool {
	for _, word := range words {
		if !strings.HasPrefix(search, word) && !strings.Contains(search, " "+word) {
			return false
		}
	}
	return true
}
