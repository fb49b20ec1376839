package staff

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	codePath = page.LoginPath + "/code" // where the second factor is proved

	sessionPending = "pending" // in the session: who has proved the password, and has the second factor to prove
	// pendingLifetime is how long a proved password waits for the second factor.
	pendingLifetime = 5 * time.Minute
)

// pending is who has proved the password and has the second factor to prove, kept in the server's side of the session.
type pending struct {
	Account uuid.UUID `json:"account"`
	Login   string    `json:"login"`
	Until   int64     `json:"until"`
	Next    string    `json:"next"`
}

// codePage asks for the code of a second factor.
type codePage struct {
	Login   string
	Problem *page.Problem
}

// askCode leads who has proved the password to the second factor. Nobody is logged in yet.
func (p *Pages) askCode(c *gin.Context, a registry.Account, next string) {
	ctx := c.Request.Context()
	text, err := json.Marshal(pending{Account: a.ID, Login: a.Login, Until: p.Clock().Add(pendingLifetime).Unix(), Next: next})
	if err != nil {
		p.Fail(c, fmt.Errorf("keeping who logs in: %w", err))
		return
	}
	if err := p.Sessions.Clear(ctx); err != nil {
		p.Fail(c, fmt.Errorf("clearing the session: %w", err))
		return
	}
	if err := p.RenewToken(ctx); err != nil {
		p.Fail(c, err)
		return
	}
	p.Sessions.Put(ctx, sessionPending, string(text))
	p.SeeOther(c, codePath)
}

// pendingOf returns who has the second factor to prove.
func (p *Pages) pendingOf(c *gin.Context) (pending, bool) {
	var waiting pending
	err := json.Unmarshal([]byte(p.Sessions.GetString(c.Request.Context(), sessionPending)), &waiting)
	return waiting, err == nil && p.Clock().Unix() < waiting.Until
}

func (p *Pages) showCode(c *gin.Context) {
	waiting, ok := p.pendingOf(c)
	if !ok {
		p.SeeOther(c, page.LoginPath)
		return
	}
	p.Show(c, http.StatusOK, "code", codePage{Login: waiting.Login})
}

func (p *Pages) proveCode(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, codePath)
		return
	}
	waiting, ok := p.pendingOf(c)
	if !ok {
		p.SeeOther(c, page.LoginPath)
		return
	}
	a, err := p.Accounts.ProveCode(c.Request.Context(), account.CodeAttempt{
		Account: waiting.Account, Code: form.Get("code"), Browser: p.knownBrowser(c, waiting.Login),
	})
	if err != nil {
		if !errors.Is(err, account.ErrWrongCode) {
			p.LogFault(c, err)
		}
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.Show(c, told.Status, "code", codePage{Login: waiting.Login, Problem: &told})
		return
	}
	p.begin(c, a, waiting.Next)
}
