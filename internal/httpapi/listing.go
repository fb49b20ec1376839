package httpapi

import (
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// perPart is how many records one answer lists.
const perPart = 500

var errCursor = errs.New(errs.Invalid, "cursor", "A part of a list is asked for by the id of a record, as after or as before.")

// as is a handler for who is logged in and may do something. Its answers are kept nowhere.
func (a *API) as(act account.Act, answer func(*gin.Context, registry.Account) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Cache-Control", "no-store")
		actor, err := a.actor(c.Request.Context())
		if err == nil && !account.May(actor.Role, act) {
			err = cases.ErrRole
		}
		if err == nil {
			err = answer(c, actor)
		}
		if err != nil {
			Fail(c, a.logger, err)
		}
	}
}

// readCursor reads which part of a list is asked for.
func readCursor(c *gin.Context) (registry.Cursor, error) {
	at := registry.Cursor{Limit: perPart}
	for name, into := range map[string]*uuid.UUID{"after": &at.After, "before": &at.Before} {
		text := c.Query(name)
		if text == "" {
			continue
		}
		id, err := uuid.Parse(text)
		if err != nil || id == uuid.Nil {
			return at, errCursor
		}
		*into = id
	}
	if at.After != uuid.Nil && at.Before != uuid.Nil {
		return at, errCursor
	}
	return at, nil
}

// partOf is the answer of a part of a list: the records under their name, and the ids that lead on, null where nothing does.
func partOf[T, W any](name string, p registry.Part[T], wire func(T) W, id func(T) uuid.UUID) gin.H {
	records := make([]W, len(p.Records))
	for i, r := range p.Records {
		records[i] = wire(r)
	}
	answer := gin.H{name: records, "after": nil, "before": nil}
	if p.Next {
		answer["after"] = id(p.Records[len(p.Records)-1])
	}
	if p.Previous && len(p.Records) > 0 {
		answer["before"] = id(p.Records[0])
	}
	return answer
}
