package webui

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
)

// withCookie holds, for the citizen of the browser alone, the people under their phone.
const withCookie = "truyvet_with"

// companion is somebody without a phone of their own as the browser keeps them: what the citizen calls them, and whose their
// scans are. The name is in this browser and, sealed, in the vault.
type companion struct {
	Alias uuid.UUID `json:"alias"`
	Name  string    `json:"name"` // as far as it is needed to tell them apart
}

// longestCalled is how many characters of a name a browser keeps: a cookie has room for ten of them.
const longestCalled = 30

// companionsOf returns the people under a phone that the browser knows of.
func (u *UI) companionsOf(c *gin.Context, alias uuid.UUID) []companion {
	var list []companion
	text, err := c.Cookie(withCookie)
	if err != nil || !u.seal.open(withCookie, alias, text, &list) {
		return nil
	}
	return list
}

func (u *UI) keepCompanions(c *gin.Context, alias uuid.UUID, list []companion) error {
	text, err := u.seal.close(withCookie, alias, list)
	if err == nil {
		u.setCookie(c, withCookie, text, citizen.CredentialLife)
	}
	return err
}

// recallCompanions has a browser know the people under a phone that was just proved in it. Their names stay in the vault: they
// are called by their numbers.
func (u *UI) recallCompanions(c *gin.Context, alias uuid.UUID) error {
	if len(u.companionsOf(c, alias)) > 0 {
		return nil
	}
	aliases, err := u.Dependants.Aliases(c.Request.Context(), alias)
	if err != nil || len(aliases) == 0 {
		return err
	}
	list := make([]companion, len(aliases))
	for i := range aliases {
		list[i] = companion{aliases[i], strconv.Itoa(i + 1)}
	}
	return u.keepCompanions(c, alias, list)
}

// chosenCompanions returns those whom a form says to be there too, by their positions.
func (u *UI) chosenCompanions(c *gin.Context, alias uuid.UUID, positions []string) []uuid.UUID {
	if len(positions) == 0 {
		return nil
	}
	var chosen []uuid.UUID
	for i, known := range u.companionsOf(c, alias) {
		if slices.Contains(positions, strconv.Itoa(i)) {
			chosen = append(chosen, known.Alias)
		}
	}
	return chosen
}

// called is what a browser keeps of a name.
func called(name string) string {
	letters := []rune(strings.TrimSpace(name))
	return string(letters[:min(len(letters), longestCalled)])
}

// withPage asks for somebody without a phone of their own.
type withPage struct {
	wall
	Name    string
	Known   []companion
	Problem *problem
}

// registerCompanions adds, behind a code, the page on which a citizen adds somebody who goes with them.
func (u *UI) registerCompanions(r gin.IRouter) {
	serve(r, "/with", func(c *gin.Context) {
		if w, ok := u.wallOf(c); ok {
			u.answerWith(c, http.StatusOK, withPage{wall: w})
		}
	})
	r.POST("/with", u.addCompanion)
}

func (u *UI) answerWith(c *gin.Context, status int, page withPage) {
	alias, err := u.citizenOf(c)
	if err != nil {
		u.seeOther(c, page.Path(""))
		return
	}
	page.Known = u.companionsOf(c, alias)
	u.show(c, status, "with", page)
}

func (u *UI) addCompanion(c *gin.Context) {
	w, form, ok := u.formAt(c, "/with")
	if !ok {
		return
	}
	alias, err := u.reachable(c)
	if err != nil {
		u.refuseCitizen(c, checkInPage{wall: w}, err)
		return
	}
	name := form.Get("name")
	added, err := u.Dependants.Add(c.Request.Context(), alias, name)
	if err == nil {
		err = u.keepCompanions(c, alias, append(u.companionsOf(c, alias), companion{added, called(name)}))
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerWith(c, p.Status, withPage{wall: w, Name: name, Problem: &p})
		return
	}
	u.seeOther(c, w.Path(""))
}
