package citizen

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const (
	cardNumber = "001099012345"
	cardCode   = cardNumber + "|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi, Đà Nẵng|15032021"
)

func TestPresented(t *testing.T) {
	p := pseudonyms(t, testKey)
	phone, _ := p.Phone("0912345678")
	card, _ := p.IDCard(cardNumber)
	for _, c := range []struct {
		text string
		want Presented // without an alias: refused
	}{
		{cardCode, Presented{card, KindIDCard, true}},
		{" " + cardCode + "\r\n", Presented{card, KindIDCard, true}},
		{cardCode + "|||Trần Văn Bình|Lê Thị Cúc|", Presented{card, KindIDCard, true}}, // a card since 2024
		{cardNumber + "||||||", Presented{card, KindIDCard, true}},
		{cardNumber, Presented{card, KindIDCard, false}},
		{" 001 099 012345\n", Presented{card, KindIDCard, false}},
		{"001.099-012345", Presented{card, KindIDCard, false}},
		{"0912 345 678", Presented{phone, KindPhone, false}},
		{"(+84) 912.345.678", Presented{phone, KindPhone, false}},

		{"", Presented{}},
		{"|", Presented{}},
		{cardNumber + "|", Presented{}},
		{cardNumber + "|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi", Presented{}}, // six fields
		{"0912345678|||||||", Presented{}},     // a phone number is on no card
		{"00109901234|||||||", Presented{}},    // a digit short
		{"001 099 012345|||||||", Presented{}}, // cards are printed without space
		{"||" + cardNumber + "|||||", Presented{}},
		{cardNumber + "|\xff|||||", Presented{}},
		{"00109901234", Presented{}},
		{"hello", Presented{}},
		{"１２３４５６７８９０１２", Presented{}},
		{strings.Repeat("9", 600), Presented{}},
	} {
		got, err := p.Presented(c.text)
		if got != c.want || (err == nil) != (c.want.Alias != uuid.Nil) || err != nil && err != ErrPresented {
			t.Errorf("%q names %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

func FuzzPresented(f *testing.F) {
	for _, seed := range []string{cardCode, cardNumber, "0912 345 678", "|", "||||||||", "001099012345|a|b|c|d|e", "\xff|"} {
		f.Add(seed)
	}
	p := pseudonyms(f, testKey)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := p.Presented(text)
		if err != nil {
			if got != (Presented{}) || !errors.Is(err, ErrPresented) || err != ErrPresented {
				t.Fatalf("refused with %+v, %v", got, err)
			}
			return
		}
		// Whom it names is whom its number names, and a card's code has its fields.
		number, rest, isCode := strings.Cut(text, "|")
		if got.Card != isCode || isCode && (got.Kind != KindIDCard || strings.Count(rest, "|") < 5) {
			t.Fatalf("%q is %+v", text, got)
		}
		want, err := p.Phone(number)
		if got.Kind == KindIDCard {
			want, err = p.IDCard(separators.Replace(number))
		}
		if err != nil || want != got.Alias {
			t.Fatalf("%q names another than %q, %v", text, number, err)
		}
	})
}
