// Package sheet writes text that spreadsheets open.
package sheet

import (
	"strings"
	"unicode/utf8"
)

// ByteOrderMark makes spreadsheets read a file as UTF-8, without which Vietnamese names come out garbled.
const ByteOrderMark = "\ufeff"

// Plain keeps a spreadsheet from taking a text for a formula. Some take the wide forms of East Asian keyboards for the narrow
// ones, and some look past control characters: see OWASP, "CSV Injection".
func Plain(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
