package qrgen

import (
	"fmt"
	"time"
)

// Kind says what sort of place a code belongs to. Its number is a byte of the
// signed token, so a number once given is never changed or used again.
type Kind uint8

// The kinds of place. The zero Kind is not one of them.
const (
	KindOffice        Kind = 1
	KindMeetingRoom   Kind = 2
	KindPublicService Kind = 3
	KindBusStation    Kind = 4
	KindVehicle       Kind = 5
	KindEvent         Kind = 6
	KindMarket        Kind = 7
	KindStall         Kind = 8
	KindSupermarket   Kind = 9
	KindShop          Kind = 10
	KindRestaurant    Kind = 11
	KindCheckpoint    Kind = 12
	KindHospital      Kind = 13
	KindClinic        Kind = 14
	KindSchool        Kind = 15
	KindFactory       Kind = 16
	KindWorship       Kind = 17
	KindOther         Kind = 18
)

// kindFacts is what the contract fixes for each kind, indexed by its number.
var kindFacts = [...]struct {
	name  string
	dwell time.Duration
}{
	KindOffice:        {"office", 540 * time.Minute},
	KindMeetingRoom:   {"meeting_room", 90 * time.Minute},
	KindPublicService: {"public_service", 60 * time.Minute},
	KindBusStation:    {"bus_station", 45 * time.Minute},
	KindVehicle:       {"vehicle", 120 * time.Minute},
	KindEvent:         {"event", 180 * time.Minute},
	KindMarket:        {"market", 60 * time.Minute},
	KindStall:         {"stall", 30 * time.Minute},
	KindSupermarket:   {"supermarket", 60 * time.Minute},
	KindShop:          {"shop", 30 * time.Minute},
	KindRestaurant:    {"restaurant", 75 * time.Minute},
	KindCheckpoint:    {"checkpoint", 5 * time.Minute},
	KindHospital:      {"hospital", 180 * time.Minute},
	KindClinic:        {"clinic", 90 * time.Minute},
	KindSchool:        {"school", 600 * time.Minute},
	KindFactory:       {"factory", 600 * time.Minute},
	KindWorship:       {"worship", 90 * time.Minute},
	KindOther:         {"other", 60 * time.Minute},
}

// Kinds returns every kind in the order of its number. The slice is the caller's.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindFacts)-1)
	for k := KindOffice; k <= KindOther; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// ParseKind returns the kind of that exact name, as [Kind.String] writes it.
func ParseKind(name string) (Kind, error) {
	for _, k := range Kinds() {
		if kindFacts[k].name == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind of place %q", name)
}

// Valid reports whether k is one of the kinds of this package.
func (k Kind) Valid() bool { return k >= KindOffice && k <= KindOther }

// String returns the kind's name, such as "meeting_room", or "kind(n)" for a
// number that is no kind.
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindFacts[k].name
}

// Dwell returns how long a stay at such a place is assumed to last when nothing
// says when the person left; a place may override it. It is zero for a number
// that is no kind.
func (k Kind) Dwell() time.Duration {
	if !k.Valid() {
		return 0
	}
	return kindFacts[k].dwell
}

// MarshalText writes the kind's name and refuses a number that is no kind.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.Valid() {
		return nil, fmt.Errorf("writing a kind of place: %d is none", uint8(k))
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads a kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	parsed, err := ParseKind(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}
