package visitor

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/webui/page"
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
func (p *Pages) companionsOf(r *http.Request, alias uuid.UUID) []companion {
	var list []companion
	cookie, err := r.Cookie(withCookie)
	if err != nil || !p.Seal.Open(withCookie, alias, cookie.Value, &list) {
		return nil
	}
	return list
}

func (p *Pages) keepCompanions(c *gin.Context, alias uuid.UUID, list []companion) error {
	text, err := p.Seal.Close(withCookie, alias, list)
	if err == nil {
		p.SetCookie(c, withCookie, text, citizen.CredentialLife)
	}
	return err
}

// recallCompanions has a browser know the people under a phone that was just proved in it. Their names stay in the vault: they
// are called by their numbers.
func (p *Pages) recallCompanions(c *gin.Context, alias uuid.UUID) error {
	if len(p.companionsOf(c.Request, alias)) > 0 {
		return nil
	}
	aliases, err := p.Dependants.Aliases(c.Request.Context(), alias)
	if err != nil || len(aliases) == 0 {
		return err
	}
	list := make([]companion, len(aliases))
	for i := range aliases {
		list[i] = companion{aliases[i], strconv.Itoa(i + 1)}
	}
	return p.keepCompanions(c, alias, list)
}

// chosenCompanions returns those whom a form says to be there too, by their positions.
func (p *Pages) chosenCompanions(c *gin.Context, alias uuid.UUID, positions []string) []uuid.UUID {
	if len(positions) == 0 {
		return nil
	}
	var chosen []uuid.UUID
	for i, known := range p.companionsOf(c.Request, alias) {
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
	Problem *page.Problem
}

// registerCompanions adds, behind a code, the page on which a citizen adds somebody who goes with them.
func (p *Pages) registerCompanions(r gin.IRouter) {
	page.Serve(r, "/with", func(c *gin.Context) {
		if w, ok := p.wallOf(c); ok {
			p.answerWith(c, http.StatusOK, withPage{wall: w})
		}
	})
	r.POST("/with", p.addCompanion)
}

func (p *Pages) answerWith(c *gin.Context, status int, body withPage) {
	alias, err := p.citizenOf(c)
	if err != nil {
		p.SeeOther(c, body.Path(""))
		return
	}
	body.Known = p.companionsOf(c.Request, alias)
	p.Show(c, status, "with", body)
}

func (p *Pages) addCompanion(c *gin.Context) {
	w, form, ok := p.formAt(c, "/with")
	if !ok {
		return
	}
	alias, err := p.reachable(c)
	if err != nil {
		p.refuseCitizen(c, checkInPage{wall: w}, err)
		return
	}
	name := form.Get("name")
	added, err := p.Dependants.Add(c.Request.Context(), alias, name)
	if err == nil {
		err = p.keepCompanions(c, alias, append(p.companionsOf(c.Request, alias), companion{added, called(name)}))
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerWith(c, told.Status, withPage{wall: w, Name: name, Problem: &told})
		return
	}
	p.SeeOther(c, w.Path(""))
}
