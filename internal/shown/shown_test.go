package shown

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/qrgen"
)

const (
	cardNumber = "001099012345"
	cardCode   = cardNumber + "|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi, Đà Nẵng|15032021"
	plainCard  = cardNumber + "|012345678|Nguyen Thi Anh|01021990|Nu|12 Le Loi, Da Nang|15032021" // what a reader can type of it
)

// codes signs the code of a place and that of a person.
func codes(t testing.TB) (place, person string) {
	t.Helper()
	keys := qrgen.NewKeySet()
	now := time.Date(2021, 12, 1, 7, 0, 0, 0, time.UTC)
	_, err := keys.Create(now)
	if err == nil {
		place, err = keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: now, Serial: 1})
	}
	if err == nil {
		person, err = keys.SignPersonal(qrgen.PersonalCode{Alias: uuid.New(), IssuedAt: now, ExpiresAt: now.Add(time.Minute)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return place, person
}

func TestRead(t *testing.T) {
	place, person := codes(t)
	for text, want := range map[string]Kind{
		cardCode: IDCard, " " + cardCode + "\r\n": IDCard, cardNumber: IDNumber, "001 099-012.345": IDNumber, "0912 345 678": PhoneNumber,
		place: PlaceCode, "HTTPS://TRUYVET.VN/Q/" + place: PlaceCode, strings.ToLower(place): PlaceCode,
		person: PersonalCode, strings.ToLower(person) + "\n": PersonalCode, strings.Repeat("A", qrgen.TokenLength): PersonalCode,
		"": Nothing, "|": Nothing, "hello": Nothing, cardNumber + "|": Nothing, strings.Repeat("9", 600): Nothing, "\xff": Nothing,
		"https://elsewhere.example/": Nothing, "https://elsewhere.example/?id=" + cardNumber: Nothing,
	} {
		got := Read(text)
		if got.Kind != want {
			t.Errorf("%q is %q, want %q", text, got.Kind, want)
		}
		if want == IDCard || want == IDNumber {
			if got.Number != cardNumber {
				t.Errorf("%q has the number %q", text, got.Number)
			}
		}
	}
}

// TestPersonal cuts a card and a code off anywhere: a field that is shorter than they are does.
func TestPersonal(t *testing.T) {
	_, person := codes(t)
	for _, whole := range []string{cardCode, "https://truyvet.vn/me/" + person} {
		for end := 9; end <= len(whole); end++ {
			if text := whole[:end]; !Personal(text) {
				t.Errorf("%q is not known", text)
			}
		}
	}
	for _, text := range []string{"001 099 012 345", "0912.345.678", person} {
		if !Personal(text) {
			t.Errorf("%q is not known", text)
		}
	}
	for _, text := range []string{"", "Cửa Lạch – Hà Nội", "Tuyến 01: Bến Thành – Chợ Lớn", "51B-123.45", "Quốc lộ 1A, 14:30 21/11/2026"} {
		if Personal(text) {
			t.Errorf("%q is taken for somebody's", text)
		}
	}
}

// typed returns what a layout makes of the keys that a reader sends for a text.
func typed(text string, layout [2]string) string {
	var b strings.Builder
	for _, r := range text {
		for level, us := range []string{usKeys, usShifted} {
			if k := strings.IndexRune(us, r); k >= 0 {
				if came := []rune(layout[level])[k]; came != 0 {
					b.WriteRune(came)
				}
				break
			}
		}
	}
	return b.String()
}

// keysOf returns the names of the keys that a reader sends for a text.
func keysOf(text string) string {
	names := make(map[byte]string)
	for name, char := range physicalKeys {
		names[char] = name
	}
	var keys []string
	for _, char := range []byte(text) {
		shift := ""
		k := strings.IndexByte(usKeys, char)
		if k < 0 {
			k, shift = strings.IndexByte(usShifted, char), "+"
		}
		key := usKeys[k]
		switch {
		case key >= 'a' && key <= 'z':
			keys = append(keys, shift+"Key"+strings.ToUpper(string(key)))
		case key >= '0' && key <= '9':
			keys = append(keys, shift+"Digit"+string(key))
		default:
			keys = append(keys, shift+names[key])
		}
	}
	return strings.Join(keys, " ")
}

func TestLayoutsAreWhole(t *testing.T) {
	for i, layout := range layouts {
		for level := range layout {
			if n := len([]rune(layout[level])); n != len(usKeys) {
				t.Errorf("layout %d has %d keys on level %d, want %d", i, n, level, len(usKeys))
			}
		}
	}
}

// TestRepair has every layout spoil every kind of text, and finds it again.
func TestRepair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.Just(plainCard), rapid.StringMatching(`[0-9]{12}`), rapid.StringMatching(`09[0-9]{8}`),
			rapid.StringMatching(`[A-Z2-7]{153}[AQ]`), rapid.StringMatching(`[0-9]{12}\|[0-9]{9}\|[A-Z][a-z]{2,8} [A-Z][a-z]{2,6}\|0[1-9]0[1-9]19[5-9][0-9]\|Nam\|[0-9]{1,3} [a-z]{3,9}\|0[1-9]0[1-9]202[0-9]`),
		).Draw(t, "text")
		if Read(text).Kind == Nothing {
			t.Skip("not what a reader reads")
		}
		meant := func(s Shown) bool { return s == Read(text) }
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		came := typed(text, layout)
		if repaired := Repair(came, "", meant); Read(came).Kind == Nothing && !strings.EqualFold(repaired, text) {
			t.Fatalf("%q came as %q and was read as %q", text, came, repaired)
		}
		if repaired := Repair("?", keysOf(text), meant); repaired != text {
			t.Fatalf("the keys of %q give %q", text, repaired)
		}
	})
}

// TestRepairOfInputMethods types tokens through Telex and VNI, as far as they can be found again.
func TestRepairOfInputMethods(t *testing.T) {
	_, person := codes(t)
	for name, method := range map[string]map[rune]string{"telex": telex, "vni": vni} {
		spoilt := person
		for letter, keys := range method {
			if strings.ToUpper(keys) == keys {
				spoilt = strings.ReplaceAll(spoilt, keys, string(letter))
			}
		}
		if got := Repair(spoilt, "", func(s Shown) bool { return s.Token == person }); got != person {
			t.Errorf("%s made %q of %q, read as %q", name, spoilt, person, got)
		}
	}
	for _, text := range []string{"Nguyễn", "đường", "", "&&&", "\x00", strings.Repeat("&", 1<<16)} {
		if got := Repair(text, "KeyA Nothing", func(Shown) bool { return true }); got != text {
			t.Errorf("%.20q was made %.20q", text, got)
		}
	}
}

func TestByReader(t *testing.T) {
	for _, c := range []struct {
		chars int
		took  time.Duration
		want  bool
	}{
		{12, 60 * time.Millisecond, true},
		{12, 440 * time.Millisecond, true},
		{12, 700 * time.Millisecond, false},
		{154, 2 * time.Second, true},
		{8, 10 * time.Millisecond, false},
		{1, 0, false},
		{0, 0, false},
	} {
		if got := ByReader(c.chars, c.took); got != c.want {
			t.Errorf("%d characters in %v by a reader: %v", c.chars, c.took, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	place, person := codes(f)
	for _, seed := range []string{
		cardCode, cardNumber, "|", "||||||||", "001099012345|a|b|c|d|e", "\xff|", cardNumber + "||||||", cardCode + "|x", place, person,
		typed(plainCard, layouts[0]), typed(plainCard, layouts[2]),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Read(text)
		if again := Read(Repair(text, text, func(Shown) bool { return true })); got.Kind != Nothing && again != got {
			t.Fatal("repairing what can be read changes it")
		}
		if got.Kind == IDCard || got.Kind == IDNumber {
			if number, ok := IDCardNumber(got.Number); !ok || number != got.Number {
				t.Fatal("the number is none")
			}
		}
		if got.Kind == IDCard && strings.Count(text, "|") < cardFields-1 {
			t.Fatalf("%d fields", strings.Count(text, "|")+1)
		}
		for _, field := range []string{got.Card.OldNumber, got.Card.Name, got.Card.Address} {
			if strings.Contains(field, "|") || len(field) > 1024 || strings.ContainsAny(field, "\n\x00") {
				t.Fatal("a field is not one of one line")
			}
		}
		if year := got.Card.BirthYear; year != "" {
			if _, err := time.Parse("2006", year); err != nil {
				t.Fatal("the year of birth is none")
			}
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if printed := fmt.Sprintf(verb, got) + fmt.Sprintf(verb, got.Card); strings.ContainsAny(printed, "0123456789") && verb != "%x" {
				t.Fatalf("printed as %q", printed)
			}
		}
	})
}
