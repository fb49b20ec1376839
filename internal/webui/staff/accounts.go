package staff

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// errAccountPlace refuses what names no place.
var errAccountPlace = errs.New(errs.Invalid, "account_place", "The place is given by its id, its code or the address of its code.")

const (
	accountsPath    = "/accounts"
	accountsPerPage = 100
)

// registerAccounts adds the pages on which accounts are invited, looked at and stopped.
func (p *Pages) registerAccounts(r gin.IRouter) {
	manage := r.Group("", p.Only(account.ActManageAccounts))
	accounts, invitations := manage.Group(accountsPath), manage.Group("/invitations/:id")
	page.Serve(accounts, "", p.showAccounts)
	accounts.POST("", p.invite)
	page.Serve(accounts, "/:id", p.showAccountOf)
	accounts.POST("/:id/renew", p.renewAccount)
	back := func(c *gin.Context) { p.SeeOther(c, accountsPath) }
	for path, act := range map[string]func(*gin.Context, account.Session, uuid.UUID) error{
		"/:id/disable": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			return p.Accounts.Disable(c.Request.Context(), s.Account, id)
		},
		"/:id/enable": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			return p.Accounts.Enable(c.Request.Context(), s.Account, id)
		},
		"/:id/end": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			_, err := p.Accounts.EndSessions(c.Request.Context(), s, id)
			return err
		},
	} {
		accounts.POST(path, p.actOnAccount(act))
		page.Serve(accounts, path, back)
	}
	page.Serve(accounts, "/:id/renew", back)
	invitations.POST("/confirm", p.confirmInvitation)
	invitations.POST("/withdraw", p.withdrawInvitation)
	page.Serve(invitations, "/confirm", back)
	page.Serve(invitations, "/withdraw", back)
}

// accountsPage lists the accounts and open invitations within somebody's reach, and has the form for a new one.
type accountsPage struct {
	Accounts      []registry.Account
	Turner        page.Turner
	Offers        []account.Offer
	Organisations []registry.Organisation // to choose from; none where there is one alone
	Places        []registry.Place        // to choose from; none where any may be typed
	Areas         []registry.Area
	Roles         []registry.Role
	Form          accountForm
	Made          *page.MadeInvitation
	Problem       *page.Problem
	scopes        scopes
}

// accountForm is the form for a new account, as it was typed.
type accountForm struct {
	Role, Organisation, Place, Area, Note string
}

// scopes names what roles are for.
type scopes struct {
	organisations map[uuid.UUID]string
	place         func(uuid.UUID) string
	area          func(string) string
}

// of names the scope of an account or an invitation, empty where it has none.
func (s scopes) of(organisation, place uuid.UUID, area string) string {
	switch {
	case organisation != uuid.Nil:
		return s.organisations[organisation]
	case place != uuid.Nil:
		return s.place(place)
	case area != "":
		return s.area(area)
	}
	return ""
}

// Scope names what an account is for.
func (p accountsPage) Scope(a registry.Account) string {
	return p.scopes.of(a.Organisation, a.Place, a.Area)
}

// ScopeOf names what an invitation is for.
func (p accountsPage) ScopeOf(i registry.Invitation) string {
	return p.scopes.of(i.Organisation, i.Place, i.Area)
}

// scopesOf knows the names of scopes.
func (p *Pages) scopesOf(c *gin.Context) (scopes, []registry.Organisation, error) {
	organisations, err := p.Records.Organisations(c.Request.Context())
	if err != nil {
		return scopes{}, nil, fmt.Errorf("listing organisations: %w", err)
	}
	s := scopes{organisations: make(map[uuid.UUID]string, len(organisations)), area: p.Areas.AreaName}
	for _, o := range organisations {
		s.organisations[o.ID] = o.Name
	}
	s.place = func(id uuid.UUID) string {
		name, known := p.Map.Name(id)
		if !known {
			return page.ShortID(id)
		}
		return name.Name
	}
	return s, organisations, nil
}

func (p *Pages) showAccounts(c *gin.Context) { p.answerAccounts(c, http.StatusOK, accountsPage{}) }

func (p *Pages) answerAccounts(c *gin.Context, status int, body accountsPage) {
	ctx := c.Request.Context()
	query := c.Request.URL.Query()
	part, err := p.Accounts.Visible(ctx, page.Actor(c), page.CursorOf(query, accountsPerPage))
	if err == nil {
		body.Offers, err = p.Accounts.Offers(ctx, page.Actor(c))
	}
	var organisations []registry.Organisation
	if err == nil {
		body.scopes, organisations, err = p.scopesOf(c)
	}
	if err != nil {
		p.Fail(c, err)
		return
	}
	body.Accounts, body.Turner = part.Records, page.TurnerOf(part, accountID, query)
	p.offer(&body, page.Actor(c), organisations)
	p.Show(c, status, "accounts", body)
}

// offer fills in what somebody may choose from in the form.
func (p *Pages) offer(body *accountsPage, by registry.Account, organisations []registry.Organisation) {
	body.Roles = account.Grantable(by.Role)
	if body.Form.Role == "" && len(body.Roles) > 0 {
		body.Form.Role = string(body.Roles[0])
	}
	switch by.Role {
	case registry.RoleOwner:
		body.Places = page.InOrder(p.Places.Tree(by))
	case registry.RoleAdmin:
		body.Organisations = organisations
		body.Areas = p.Areas.Areas()
	default:
		body.Areas = slices.DeleteFunc(p.Areas.Areas(), func(a registry.Area) bool { return !p.Map.Within(a.Code, by.Area) })
	}
}

// invite makes an invitation.
func (p *Pages) invite(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	typed := accountForm{
		Role: form.Get("role"), Organisation: form.Get("organisation"), Place: strings.TrimSpace(form.Get("place")),
		Area: strings.TrimSpace(form.Get("area")), Note: form.Get("note"),
	}
	wish, err := typed.wish(page.Actor(c))
	var made registry.Invitation
	var token string
	if err == nil {
		made, token, err = p.Accounts.Invite(c.Request.Context(), page.Actor(c), wish)
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerAccounts(c, told.Status, accountsPage{Form: typed, Problem: &told})
		return
	}
	p.answerAccounts(c, http.StatusCreated, accountsPage{Form: accountForm{Role: typed.Role}, Made: p.Made(made, token)})
}

// wish reads the form, taking of the scope only the field that the role has. Whether it is possible is for the service to
// judge.
func (f accountForm) wish(by registry.Account) (account.Wish, error) {
	w := account.Wish{Role: registry.Role(f.Role), Note: f.Note}
	var err error
	switch w.Role {
	case registry.RoleOwner:
		if w.Organisation, err = uuid.Parse(f.Organisation); err != nil {
			w.Organisation = by.Organisation // an owner has but one to choose from
		}
	case registry.RoleGate, registry.RoleScreen:
		if w.Place, err = placeID(f.Place); err != nil {
			return w, err
		}
	case registry.RoleWard, registry.RoleDistrict, registry.RoleCity:
		w.Area = f.Area
	}
	return w, nil
}

// placeID reads a place from its id, or from its code in any form that a scanner gives.
func placeID(text string) (uuid.UUID, error) {
	if id, err := uuid.Parse(text); err == nil {
		return id, nil
	}
	token, err := qrgen.FromURL(text)
	if err != nil {
		return uuid.Nil, errAccountPlace
	}
	// Not verified: the administrator says which place is meant, and an old poster says that as well as a new one.
	code, err := qrgen.Parse(token)
	if err != nil {
		return uuid.Nil, errAccountPlace
	}
	return code.Token.Place, nil
}

// confirmInvitation is the second person's word.
func (p *Pages) confirmInvitation(c *gin.Context) {
	id, err := page.IDParameter(c)
	var token string
	if err == nil {
		token, err = p.Accounts.Confirm(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	if token == "" { // who proposed it has the link
		p.SeeOther(c, accountsPath)
		return
	}
	offers, err := p.Accounts.Offers(c.Request.Context(), page.Actor(c))
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	i := slices.IndexFunc(offers, func(o account.Offer) bool { return o.ID == id })
	if i < 0 { // withdrawn at this moment
		p.FailBackTo(c, registry.ErrNotFound, accountsPath)
		return
	}
	p.answerAccounts(c, http.StatusOK, accountsPage{Made: p.Made(offers[i].Invitation, token)})
}

func (p *Pages) withdrawInvitation(c *gin.Context) {
	id, err := page.IDParameter(c)
	if err == nil {
		err = p.Accounts.Withdraw(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	p.SeeOther(c, accountsPath)
}

// accountOfPage is the page of somebody else's account.
type accountOfPage struct {
	account.Sight
	Scope   string
	SignIns []registry.SignIn
	Made    *page.MadeInvitation
}

func (p *Pages) showAccountOf(c *gin.Context) {
	id, err := page.IDParameter(c)
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	if id == page.Actor(c).ID {
		p.SeeOther(c, selfPath)
		return
	}
	p.answerAccountOf(c, http.StatusOK, id, nil)
}

func (p *Pages) answerAccountOf(c *gin.Context, status int, id uuid.UUID, made *page.MadeInvitation) {
	ctx := c.Request.Context()
	body := accountOfPage{Made: made}
	var err error
	if body.Sight, err = p.Accounts.Sight(ctx, page.Actor(c), id); err == nil && body.MayStop {
		body.SignIns, err = p.Accounts.SignIns(ctx, page.Actor(c), id)
	}
	var names scopes
	if err == nil {
		names, _, err = p.scopesOf(c)
	}
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	body.Scope = names.of(body.Account.Organisation, body.Account.Place, body.Account.Area)
	p.Show(c, status, "accountof", body)
}

// actOnAccount does something to an account and shows it.
func (p *Pages) actOnAccount(act func(*gin.Context, account.Session, uuid.UUID) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		session, _ := page.SessionOf(c)
		id, err := page.IDParameter(c)
		if err == nil {
			err = act(c, session, id)
		}
		if err != nil {
			p.FailBackTo(c, err, accountsPath)
			return
		}
		p.SeeOther(c, accountsPath+"/"+url.PathEscape(id.String()))
	}
}

// renewAccount invites somebody to log in to their account anew.
func (p *Pages) renewAccount(c *gin.Context) {
	id, err := page.IDParameter(c)
	var made registry.Invitation
	var token string
	if err == nil {
		made, token, err = p.Accounts.Invite(c.Request.Context(), page.Actor(c), account.Wish{Renews: id})
	}
	if err != nil {
		p.FailBackTo(c, err, accountsPath)
		return
	}
	p.answerAccountOf(c, http.StatusCreated, id, p.Made(made, token))
}

func accountID(a registry.Account) uuid.UUID { return a.ID }
