package citizen

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/shown"
)

var testKey = bytes.Repeat([]byte{7}, KeySize)

func pseudonyms(t testing.TB, key []byte) *Pseudonyms {
	t.Helper()
	p, err := NewPseudonyms(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNormalPhone(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0912345678", "0912345678"},
		{" 0912 345 678 ", "0912345678"},
		{"0912.345.678", "0912345678"},
		{"0912-345-678", "0912345678"},
		{"0912\u00a0345\u00a0678", "0912345678"},
		{"+84912345678", "0912345678"},
		{"+84 91 234 56 78", "0912345678"},
		{"84912345678", "0912345678"},
		{"(+84) 912345678", "0912345678"},
		{"0312345678", "0312345678"},
		{"0512345678", "0512345678"},
		{"0712345678", "0712345678"},
		{"0812345678", "0812345678"},
		{"02438253536", "02438253536"},
		{"(024) 3825 3536", "02438253536"},
		{"+842438253536", "02438253536"},

		{"", ""},
		{"+", ""},
		{"0", ""},
		{"091234567", ""},   // a digit short
		{"09123456789", ""}, // a digit long
		{"0212345678", ""},  // a fixed line with ten digits
		{"0412345678", ""},  // no such prefix
		{"0612345678", ""},
		{"0112345678", ""},
		{"01234567890", ""},   // a mobile number from before 2018
		{"912345678", ""},     // without the leading 0
		{"+840912345678", ""}, // with both prefixes
		{"+0912345678", ""},
		{"+85912345678", ""},
		{"0084912345678", ""},
		{"113", ""},
		{"0912345678a", ""},
		{"091234567８", ""}, // a full-width digit
		{"٠٩١٢٣٤٥٦٧٨", ""},
		{"09+12345678", ""},
		{"0912345678" + strings.Repeat(" .", 20) + ".", ""},
	}
	for _, test := range tests {
		got, err := normalPhone(test.text)
		if got != test.want || (err == nil) != (test.want != "") || err != nil && !errors.Is(err, ErrPhone) {
			t.Errorf("%q is %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func TestNormalIDCard(t *testing.T) {
	tests := []struct{ text, want string }{
		{"001099012345", "001099012345"},
		{" 001099012345\n", "001099012345"},
		{"00109901234", ""},
		{"0010990123456", ""},
		{"001 099 012345", ""},
		{"00109901234x", ""},
		{"123456789", ""}, // an old card's number
		{"٠٠١٠٩٩", ""},    // 12 bytes
		{"", ""},
	}
	for _, test := range tests {
		got, err := normalIDCard(test.text)
		if got != test.want || (err == nil) != (test.want != "") || err != nil && !errors.Is(err, ErrIDCard) {
			t.Errorf("%q is %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

// TestAliasesAreFrozen holds the aliases of a key to values computed apart from this code: scans are kept under them. By
// the shell:
//
//	printf 'phone\0000912345678' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
func TestAliasesAreFrozen(t *testing.T) {
	p := pseudonyms(t, testKey)
	phone, err := p.Phone("+84 912 345 678")
	if err != nil || phone != uuid.MustParse("594c274c-f42a-8e5d-8a36-2edee170e951") {
		t.Errorf("the alias of a phone is %v, %v", phone, err)
	}
	card, err := p.IDCard("001099012345")
	if err != nil || card != uuid.MustParse("96f89a9b-8c94-8853-88bf-366d976e389b") {
		t.Errorf("the alias of a card is %v, %v", card, err)
	}
}

func TestAliases(t *testing.T) {
	p, other := pseudonyms(t, testKey), pseudonyms(t, bytes.Repeat([]byte{8}, KeySize))
	rapid.Check(t, func(t *rapid.T) {
		national := rapid.StringMatching(`0[35789][0-9]{8}`).Draw(t, "number")
		a, err := p.Phone(national)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"+84" + national[1:], "84" + national[1:], national[:4] + "." + national[4:7] + " " + national[7:]} {
			if b, err := p.Phone(text); err != nil || b != a {
				t.Fatalf("one number has the aliases %v and %v, %v", a, b, err)
			}
		}
		if a.Version() != 8 || a.Variant() != uuid.RFC4122 {
			t.Fatalf("%v has version %v, variant %v", a, a.Version(), a.Variant())
		}
		if b, _ := other.Phone(national); b == a {
			t.Fatal("two keys give one alias")
		}
		if p.alias(KindIDCard, national) == a {
			t.Fatal("two kinds give one alias")
		}
	})
}

func TestKeys(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := NewPseudonyms(make([]byte, size)); err == nil {
			t.Errorf("pseudonyms take a key of %d bytes", size)
		}
		if _, err := NewCredentials(make([]byte, size), nil); err == nil {
			t.Errorf("credentials take a key of %d bytes", size)
		}
	}
	key := bytes.Clone(testKey)
	p := pseudonyms(t, key)
	before, _ := p.IDCard("001099012345")
	key[0]++
	if after, _ := p.IDCard("001099012345"); after != before {
		t.Error("the key can be changed from outside")
	}
}

func FuzzNormalPhone(f *testing.F) {
	for _, seed := range []string{"0912345678", "+84 912.345.678", "84912345678", "(024) 3825 3536", "+", "٠٩"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := normalPhone(text)
		if err != nil {
			if number != "" || !errors.Is(err, ErrPhone) {
				t.Fatalf("refused with %q, %v", number, err)
			}
			return
		}
		mobile := len(number) == 10 && strings.ContainsRune("35789", rune(number[1]))
		fixed := len(number) == 11 && number[1] == '2'
		if number[0] != '0' || !mobile && !fixed || !shown.AllDigits(number) {
			t.Fatalf("%q became %q", text, number)
		}
		// Nothing was invented: the digits of the number end those of the text.
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, text)
		if !strings.HasSuffix(digits, number[1:]) {
			t.Fatalf("%q became %q", text, number)
		}
		if again, err := normalPhone(number); err != nil || again != number {
			t.Fatalf("%q again becomes %q, %v", number, again, err)
		}
	})
}

func FuzzNormalIDCard(f *testing.F) {
	for _, seed := range []string{"001099012345", " 001099012345 ", "٠٠١٠٩٩", "12"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := normalIDCard(text)
		switch {
		case err == nil && (len(number) != 12 || !shown.AllDigits(number) || strings.TrimSpace(text) != number):
			t.Fatalf("%q became %q", text, number)
		case err != nil && (number != "" || !errors.Is(err, ErrIDCard)):
			t.Fatalf("refused with %q, %v", number, err)
		}
	})
}
