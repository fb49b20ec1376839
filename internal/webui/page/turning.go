package page

import (
	"net/url"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// The names under which an address says which part of a list is shown.
const (
	AfterParameter  = "after"
	BeforeParameter = "before"
)

// CursorOf reads which part of a list an address asks for. What makes no sense counts as not said.
func CursorOf(query url.Values, limit int) registry.Cursor {
	at := registry.Cursor{Limit: limit}
	if id, err := uuid.Parse(query.Get(AfterParameter)); err == nil {
		at.After = id
	} else if id, err := uuid.Parse(query.Get(BeforeParameter)); err == nil {
		at.Before = id
	}
	return at
}

// Turner has the addresses of the parts of a list beside the one that is shown, empty where there is none.
type Turner struct{ Previous, Next string }

// TurnerOf leads from a part on; query is the rest of the address, which it keeps.
func TurnerOf[T any](p registry.Part[T], id func(T) uuid.UUID, query url.Values) (t Turner) {
	if len(p.Records) == 0 {
		return t
	}
	at := func(parameter string, record T) string {
		to := url.Values{parameter: {id(record).String()}}
		for name, values := range query {
			if name != AfterParameter && name != BeforeParameter {
				to[name] = values
			}
		}
		return "?" + to.Encode()
	}
	if p.Previous {
		t.Previous = at(BeforeParameter, p.Records[0])
	}
	if p.Next {
		t.Next = at(AfterParameter, p.Records[len(p.Records)-1])
	}
	return t
}
