package webui

import (
	"net/url"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// The names under which an address says which part of a list is shown.
const (
	afterParameter  = "after"
	beforeParameter = "before"
)

// cursorOf reads which part of a list an address asks for. What makes no sense counts as not said.
func cursorOf(query url.Values, limit int) registry.Cursor {
	at := registry.Cursor{Limit: limit}
	if id, err := uuid.Parse(query.Get(afterParameter)); err == nil {
		at.After = id
	} else if id, err := uuid.Parse(query.Get(beforeParameter)); err == nil {
		at.Before = id
	}
	return at
}

// turner has the addresses of the parts of a list beside the one that is shown, empty where there is none.
type turner struct{ Previous, Next string }

// turnerOf leads from a part on; query is the rest of the address, which it keeps.
func turnerOf[T any](p registry.Part[T], id func(T) uuid.UUID, query url.Values) (t turner) {
	if len(p.Records) == 0 {
		return t
	}
	at := func(parameter string, record T) string {
		to := url.Values{parameter: {id(record).String()}}
		for name, values := range query {
			if name != afterParameter && name != beforeParameter {
				to[name] = values
			}
		}
		return "?" + to.Encode()
	}
	if p.Previous {
		t.Previous = at(beforeParameter, p.Records[0])
	}
	if p.Next {
		t.Next = at(afterParameter, p.Records[len(p.Records)-1])
	}
	return t
}

// What records of lists are named by.
func caseID(c registry.Case) uuid.UUID                 { return c.ID }
func runID(r registry.Run) uuid.UUID                   { return r.ID }
func accountID(a registry.Account) uuid.UUID           { return a.ID }
func organisationID(o registry.Organisation) uuid.UUID { return o.ID }
