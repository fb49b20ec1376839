package qrgen_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// A server signs a market's code; a gate that holds nothing but the public keys
// reads it from a camera and verifies it.
func Example() {
	issued := time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(issued); err != nil {
		fmt.Println(err)
		return
	}
	text, err := keys.Sign(qrgen.Token{
		Kind:     qrgen.KindMarket,
		Place:    uuid.MustParse("0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01"),
		IssuedAt: issued,
		Serial:   1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	onTheWall, err := qrgen.URL("https://truyvet.vn", text)
	if err != nil {
		fmt.Println(err)
		return
	}
	published, err := keys.PublicJSON()
	if err != nil {
		fmt.Println(err)
		return
	}

	gate, err := qrgen.ParsePublicKeys(published)
	if err != nil {
		fmt.Println(err)
		return
	}
	scanned, err := qrgen.FromURL(onTheWall)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := gate.Verify(scanned, issued.Add(time.Hour), nil)
	fmt.Println(token.Kind, token.Place, token.Kind.Dwell(), err)
	// Output: market 0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01 1h0m0s <nil>
}

// A refusal has a stable code, and an authentic token beside it still names the
// place.
func ExampleKeySet_Verify_revoked() {
	issued := time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(issued); err != nil {
		fmt.Println(err)
		return
	}
	text, err := keys.Sign(qrgen.Token{
		Kind:     qrgen.KindShop,
		Place:    uuid.MustParse("0184a6f0-6f30-7c11-8a52-3d6f5b1e9c02"),
		IssuedAt: issued,
		Serial:   1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	reissued := func(_ uuid.UUID, serial uint32) bool { return serial < 2 }
	token, err := keys.Verify(text, issued.Add(time.Hour), reissued)
	fmt.Println(qrgen.CodeOf(err), errors.Is(err, qrgen.ErrRevoked), token.Kind)
	// Output: revoked true shop
}
