package citizen

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

const (
	cardNumber = "001099012345"
	cardCode   = cardNumber + "|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi, Đà Nẵng|15032021"
)

// desk is what stands behind a gate in memory.
type desk struct {
	*Gate
	keys  *qrgen.KeySet
	clock *handClock
	links map[uuid.UUID]registry.Link
	kept  map[uuid.UUID]vault.Details // by person, who has the id of the alias
	fails error
}

func (d *desk) EnsurePeople(_ context.Context, links []registry.Link) ([]registry.Person, error) {
	people := make([]registry.Person, len(links))
	for i, link := range links {
		d.links[link.Alias] = link
		people[i].ID = link.Alias
	}
	return people, nil
}

func (d *desk) Keep(_ context.Context, people map[uuid.UUID]vault.Details) error {
	maps.Copy(d.kept, people)
	return d.fails
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{keys: qrgen.NewKeySet(), clock: newClock(), links: make(map[uuid.UUID]registry.Link), kept: make(map[uuid.UUID]vault.Details)}
	if _, err := d.keys.Create(d.clock.time()); err != nil {
		t.Fatal(err)
	}
	d.Gate = NewGate(pseudonyms(t, testKey), d.keys, d, d, d.clock.time)
	return d
}

func TestReceive(t *testing.T) {
	p := pseudonyms(t, testKey)
	phone, _ := p.Phone("0912345678")
	card, _ := p.IDCard(cardNumber)
	whole := vault.Details{
		vault.IDCard: cardNumber, vault.OldIDCard: "012345678", vault.Name: "Nguyễn Thị Ánh", vault.BirthYear: "1990",
		vault.Address: "12 Lê Lợi, Đà Nẵng",
	}
	number, called := vault.Details{vault.IDCard: cardNumber}, vault.Details{vault.Phone: "0912345678"}
	with := func(field vault.Field, text string) vault.Details {
		changed := maps.Clone(whole)
		changed[field] = text
		return changed
	}
	for _, c := range []struct {
		text string
		want Presented // without an alias: refused
		kept vault.Details
	}{
		{cardCode, Presented{card, scan.GateCard}, whole},
		{" " + cardCode + "\r\n", Presented{card, scan.GateCard}, whole},
		{cardCode + "|||Trần Văn Bình|Lê Thị Cúc|", Presented{card, scan.GateCard}, whole}, // a card since 2024
		{strings.Replace(cardCode, "012345678|", "|", 1), Presented{card, scan.GateCard}, with(vault.OldIDCard, "")},
		{strings.Replace(cardCode, "|012345678", "|201234567890", 1), Presented{card, scan.GateCard}, with(vault.OldIDCard, "201234567890")},
		{strings.Replace(cardCode, "01021990", "00001930", 1), Presented{card, scan.GateCard}, with(vault.BirthYear, "1930")},
		{strings.Replace(cardCode, "01021990", "29022000", 1), Presented{card, scan.GateCard}, with(vault.BirthYear, "2000")},
		{strings.Replace(cardCode, "Thị ", "  Thị\u00a0", 1), Presented{card, scan.GateCard}, whole},
		{cardNumber + "||||||", Presented{card, scan.GateCard}, number},
		{cardNumber, Presented{card, scan.GateTyped}, number},
		{" 001 099 012345\n", Presented{card, scan.GateTyped}, number},
		{"001.099-012345", Presented{card, scan.GateTyped}, number},
		{"0912 345 678", Presented{phone, scan.GateTyped}, called},
		{"(+84) 912.345.678", Presented{phone, scan.GateTyped}, called},

		{"", Presented{}, nil},
		{"|", Presented{}, nil},
		{cardNumber + "|", Presented{}, nil},
		{cardNumber + "|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi", Presented{}, nil}, // six fields
		{"0912345678|||||||", Presented{}, nil},                                            // a phone number is on no card
		{"00109901234|||||||", Presented{}, nil},                                           // a digit short
		{"001 099 012345|||||||", Presented{}, nil},                                        // cards are printed without space
		{"||" + cardNumber + "|||||", Presented{}, nil},
		{cardNumber + "|\xff|||||", Presented{}, nil},
		{cardNumber + "|1234|||||", Presented{}, nil},
		{cardNumber + "||||||" + strings.Repeat("|", 1000), Presented{}, nil},
		{cardNumber + "||" + strings.Repeat("Á", 101) + "||||", Presented{}, nil},
		{cardNumber + "||a\u202eb||||", Presented{}, nil}, // a mark that turns the line round
		{strings.Replace(cardCode, "01021990", "31021990", 1), Presented{}, nil},
		{strings.Replace(cardCode, "01021990", "1021990", 1), Presented{}, nil},
		{strings.Replace(cardCode, "01021990", "01021790", 1), Presented{}, nil},
		{strings.Replace(cardCode, "15032021", "00002021", 1), Presented{}, nil},
		{strings.Replace(cardCode, "15032021", "15031989", 1), Presented{}, nil}, // before the birth
		{"00109901234", Presented{}, nil},
		{"hello", Presented{}, nil},
		{"１２３４５６７８９０１２", Presented{}, nil},
		{strings.Repeat("9", 600), Presented{}, nil},
		{strings.Repeat("A", qrgen.TokenLength), Presented{}, nil},
	} {
		d := newDesk(t)
		got, err := d.Receive(t.Context(), c.text, d.clock.time())
		if got != c.want || (err == nil) != (c.want.Alias != uuid.Nil) || err != nil && !errors.Is(err, ErrPresented) {
			t.Errorf("%q names %+v, %v; want %+v", c.text, got, err, c.want)
		}
		kept := maps.Clone(d.kept[c.want.Alias])
		want := maps.Clone(c.kept)
		maps.DeleteFunc(kept, func(_ vault.Field, text string) bool { return text == "" })
		maps.DeleteFunc(want, func(_ vault.Field, text string) bool { return text == "" })
		if !maps.Equal(kept, want) {
			t.Errorf("%q: kept are %d details, want %d", c.text, len(kept), len(want))
		}
		if err != nil && len(c.text) > 3 && strings.Contains(err.Error(), c.text) {
			t.Errorf("the error tells what was presented: %v", err)
		}
	}
}

func TestPersonalCodeAtAGate(t *testing.T) {
	d := newDesk(t)
	issued := d.clock.time()
	text, err := d.keys.SignPersonal(qrgen.PersonalCode{Alias: testAlias, IssuedAt: issued, ExpiresAt: issued.Add(qrgen.PersonalCodeLife)})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{text, strings.ToLower(text), text + "\n"} {
		if got, err := d.Receive(t.Context(), shown, d.clock.time()); err != nil || got != (Presented{testAlias, scan.GateCode}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if len(d.kept[testAlias]) != 0 || d.links[testAlias].Kind != KindPhone {
		t.Errorf("kept %d details, linked as %q", len(d.kept[testAlias]), d.links[testAlias].Kind)
	}
	// It is no credential, and a credential is no personal code.
	c := credentials(t, d.clock)
	wantVerdict(t, c, text, ErrCredential)
	credential, _ := c.Issue(testAlias)
	if _, err := d.Receive(t.Context(), credential, d.clock.time()); !errors.Is(err, ErrPresented) {
		t.Errorf("a credential at a gate: %v", err)
	}
	d.clock.advance(qrgen.PersonalCodeLife)
	if got, err := d.Receive(t.Context(), text, d.clock.time()); !errors.Is(err, ErrCodeOver) || got != (Presented{}) {
		t.Errorf("a minute later: %+v, %v", got, err)
	}
	place, err := d.keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: testAlias, IssuedAt: issued, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Receive(t.Context(), place, d.clock.time()); !errors.Is(err, ErrPresented) {
		t.Errorf("the code of a place: %v", err)
	}
}

// TestNobodyPassesUnkept: who cannot be kept is not let through as if they were.
func TestNobodyPassesUnkept(t *testing.T) {
	d := newDesk(t)
	d.fails = errors.New("no room")
	if got, err := d.Receive(t.Context(), cardCode, d.clock.time()); !errors.Is(err, d.fails) || got != (Presented{}) {
		t.Errorf("%+v, %v", got, err)
	}
}
