package webui

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// codePath is where the second factor is proved.
const codePath = "/login/code"

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
	Problem *problem
}

// askCode leads who has proved the password to the second factor. Nobody is logged in yet.
func (u *UI) askCode(c *gin.Context, a registry.Account, next string) {
	ctx := c.Request.Context()
	text, err := json.Marshal(pending{Account: a.ID, Login: a.Login, Until: u.Clock().Add(pendingLifetime).Unix(), Next: next})
	if err != nil {
		u.Fail(c, fmt.Errorf("keeping who logs in: %w", err))
		return
	}
	if err := u.Sessions.Clear(ctx); err != nil {
		u.Fail(c, fmt.Errorf("clearing the session: %w", err))
		return
	}
	if err := u.renewToken(ctx); err != nil {
		u.Fail(c, err)
		return
	}
	u.Sessions.Put(ctx, sessionPending, string(text))
	u.seeOther(c, codePath)
}

// pendingOf returns who has the second factor to prove.
func (u *UI) pendingOf(c *gin.Context) (pending, bool) {
	var p pending
	err := json.Unmarshal([]byte(u.Sessions.GetString(c.Request.Context(), sessionPending)), &p)
	return p, err == nil && u.Clock().Unix() < p.Until
}

func (u *UI) showCode(c *gin.Context) {
	p, ok := u.pendingOf(c)
	if !ok {
		u.seeOther(c, "/login")
		return
	}
	u.show(c, http.StatusOK, "code", codePage{Login: p.Login})
}

func (u *UI) proveCode(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, codePath)
		return
	}
	p, ok := u.pendingOf(c)
	if !ok {
		u.seeOther(c, "/login")
		return
	}
	a, err := u.Accounts.ProveCode(c.Request.Context(), account.CodeAttempt{
		Account: p.Account, Code: form.Get("code"), Browser: u.knownBrowser(c, p.Login),
	})
	if err != nil {
		if !errors.Is(err, account.ErrWrongCode) {
			u.logFault(c, err)
		}
		told := problemOf(u.texts(c), err)
		told.tell(c)
		u.show(c, told.Status, "code", codePage{Login: p.Login, Problem: &told})
		return
	}
	u.begin(c, a, p.Next)
}

// browserName tells the browsers and systems of a list of sessions apart, as far as people do: "Firefox, Android". It is empty
// for what is neither known.
func browserName(agent string) string {
	first := func(names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	// Each of them calls itself those behind it too.
	browser := first([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"coc_coc", "Cốc Cốc"},
		[2]string{"SamsungBrowser", "Samsung"}, [2]string{"Firefox/", "Firefox"}, [2]string{"FxiOS", "Firefox"},
		[2]string{"CriOS", "Chrome"}, [2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"})
	system := first([2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"},
		[2]string{"Windows", "Windows"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Mac OS X", "macOS"}, [2]string{"Linux", "Linux"})
	return strings.Trim(browser+", "+system, ", ")
}
