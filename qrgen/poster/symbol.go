package poster

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yeqown/go-qrcode/v2"
)

// The most that the largest symbol (40-M) holds, in characters of alphanumeric
// mode and in bytes (ISO/IEC 18004, table 7).
const (
	maxAlphanumeric = 3391
	maxBytes        = 2331
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// symbol is a QR symbol without its quiet zone: a square of modules, row by row.
type symbol struct {
	side    int
	modules []bool // true is dark
}

// newSymbol encodes a text at level M in the smallest symbol that holds it, and
// under the mask that [symbol.canonical] chooses.
func newSymbol(text string) (symbol, error) {
	options := []qrcode.EncodeOption{
		qrcode.WithErrorCorrectionLevel(qrcode.ErrorCorrectionMedium),
		qrcode.WithEncodingMode(qrcode.EncModeAlphanumeric),
	}
	most := maxAlphanumeric
	if strings.Trim(text, alphanumeric) != "" {
		options[1] = qrcode.WithEncodingMode(qrcode.EncModeByte)
		most = maxBytes
	}
	switch {
	case text == "":
		return symbol{}, errors.New("no text")
	case !utf8.ValidString(text):
		return symbol{}, errors.New("the text is not UTF-8")
	case len(text) > most:
		return symbol{}, ErrTooLong
	}
	code, err := qrcode.NewWith(text, options...)
	if err != nil {
		return symbol{}, fmt.Errorf("encoding the text: %w", err)
	}
	var s symbol
	if err := code.Save(matrixWriter{&s}); err != nil {
		return symbol{}, fmt.Errorf("taking over the symbol: %w", err)
	}
	return s.canonical()
}

// matrixWriter is the encoder's way to hand out its matrix.
type matrixWriter struct{ s *symbol }

func (w matrixWriter) Write(m qrcode.Matrix) error {
	w.s.side = m.Width()
	w.s.modules = make([]bool, 0, m.Width()*m.Height())
	for _, row := range m.Bitmap() {
		w.s.modules = append(w.s.modules, row...)
	}
	return nil
}

func (matrixWriter) Close() error { return nil }

// dark reports whether the module in column x and row y is dark. All around the
// symbol is light.
func (s symbol) dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < s.side && y < s.side && s.modules[y*s.side+x]
}

func (s symbol) version() int { return (s.side - 17) / 4 }
