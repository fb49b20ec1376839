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
	if isFormula(text) {
		return "'" + text
	}
	return text
}

// Exact is Plain for a text that Read is to give back as it was.
func Exact(text string) string {
	if isFormula(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

// Read gives back the text that Exact wrote into a cell.
func Read(cell string) string {
	if text, quoted := strings.CutPrefix(cell, "'"); quoted && isFormula(strings.TrimLeft(text, "'")) {
		return text
	}
	return cell
}

// isFormula says whether a spreadsheet may take a text for a formula.
func isFormula(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first)
}
