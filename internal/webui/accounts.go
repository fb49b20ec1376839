package webui

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
	"github.com/truyvet/truyvet/qrgen"
)

// errAccountPlace refuses what names no place.
var errAccountPlace = errs.New(errs.Invalid, "account_place", "The place is given by its id, its code or the address of its code.")

const (
	accountsPath    = "/accounts"
	accountsPerPage = 100
)

// registerAccounts adds the pages on which accounts are invited, looked at and stopped.
func (u *UI) registerAccounts(r gin.IRouter) {
	manage := r.Group("", u.only(account.ActManageAccounts))
	accounts, invitations := manage.Group(accountsPath), manage.Group("/invitations/:id")
	serve(accounts, "", u.showAccounts)
	accounts.POST("", u.invite)
	serve(accounts, "/:id", u.showAccountOf)
	accounts.POST("/:id/renew", u.renewAccount)
	back := func(c *gin.Context) { u.seeOther(c, accountsPath) }
	for path, act := range map[string]func(*gin.Context, account.Session, uuid.UUID) error{
		"/:id/disable": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			return u.Accounts.Disable(c.Request.Context(), s.Account, id)
		},
		"/:id/enable": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			return u.Accounts.Enable(c.Request.Context(), s.Account, id)
		},
		"/:id/end": func(c *gin.Context, s account.Session, id uuid.UUID) error {
			_, err := u.Accounts.EndSessions(c.Request.Context(), s, id)
			return err
		},
	} {
		accounts.POST(path, u.actOnAccount(act))
		serve(accounts, path, back)
	}
	serve(accounts, "/:id/renew", back)
	invitations.POST("/confirm", u.confirmInvitation)
	invitations.POST("/withdraw", u.withdrawInvitation)
	serve(invitations, "/confirm", back)
	serve(invitations, "/withdraw", back)
}

// roles lists the roles in the order of the registry.
func roles() []registry.Role { return account.Roles() }

// accountsPage lists the accounts and open invitations within somebody's reach, and has the form for a new one.
type accountsPage struct {
	Accounts      []registry.Account
	Turner        turner
	Offers        []account.Offer
	Organisations []registry.Organisation // to choose from; none where there is one alone
	Places        []registry.Place        // to choose from; none where any may be typed
	Areas         []registry.Area
	Roles         []registry.Role
	Form          accountForm
	Made          *madeInvitation
	Problem       *problem
	scopes        scopes
}

// madeInvitation is an invitation that somebody just made or confirmed.
type madeInvitation struct {
	registry.Invitation
	Link  string // empty where the second person gets it
	Code  string // of a gate's device, to be typed
	Waits bool   // for a second person
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
func (u *UI) scopesOf(c *gin.Context) (scopes, []registry.Organisation, error) {
	organisations, err := u.Records.Organisations(c.Request.Context())
	if err != nil {
		return scopes{}, nil, fmt.Errorf("listing organisations: %w", err)
	}
	s := scopes{organisations: make(map[uuid.UUID]string, len(organisations)), area: u.Map.AreaName}
	for _, o := range organisations {
		s.organisations[o.ID] = o.Name
	}
	s.place = func(id uuid.UUID) string {
		name, known := u.Map.Name(id)
		if !known {
			return shortID(id)
		}
		return name.Name
	}
	return s, organisations, nil
}

func (u *UI) showAccounts(c *gin.Context) { u.answerAccounts(c, http.StatusOK, accountsPage{}) }

func (u *UI) answerAccounts(c *gin.Context, status int, page accountsPage) {
	ctx := c.Request.Context()
	query := c.Request.URL.Query()
	part, err := u.Accounts.Visible(ctx, actor(c), cursorOf(query, accountsPerPage))
	if err == nil {
		page.Offers, err = u.Accounts.Offers(ctx, actor(c))
	}
	var organisations []registry.Organisation
	if err == nil {
		page.scopes, organisations, err = u.scopesOf(c)
	}
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Accounts, page.Turner = part.Records, turnerOf(part, accountID, query)
	page.offer(actor(c), organisations, u)
	u.show(c, status, "accounts", page)
}

// offer fills in what somebody may choose from in the form.
func (p *accountsPage) offer(by registry.Account, organisations []registry.Organisation, u *UI) {
	p.Roles = account.Grantable(by.Role)
	if p.Form.Role == "" && len(p.Roles) > 0 {
		p.Form.Role = string(p.Roles[0])
	}
	switch by.Role {
	case registry.RoleOwner:
		p.Places = inOrder(u.Places.Tree(by))
	case registry.RoleAdmin:
		p.Organisations = organisations
		p.Areas = u.Map.Areas()
	default:
		p.Areas = slices.DeleteFunc(u.Map.Areas(), func(a registry.Area) bool { return !u.Map.Within(a.Code, by.Area) })
	}
}

// invite makes an invitation.
func (u *UI) invite(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	typed := accountForm{
		Role: form.Get("role"), Organisation: form.Get("organisation"), Place: strings.TrimSpace(form.Get("place")),
		Area: strings.TrimSpace(form.Get("area")), Note: form.Get("note"),
	}
	wish, err := typed.wish(actor(c))
	var made registry.Invitation
	var token string
	if err == nil {
		made, token, err = u.Accounts.Invite(c.Request.Context(), actor(c), wish)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerAccounts(c, p.Status, accountsPage{Form: typed, Problem: &p})
		return
	}
	u.answerAccounts(c, http.StatusCreated, accountsPage{Form: accountForm{Role: typed.Role}, Made: u.made(made, token)})
}

// made tells of an invitation. The link is shown in the answer itself: its token is not kept anywhere for a page to come.
func (u *UI) made(i registry.Invitation, token string) *madeInvitation {
	m := &madeInvitation{Invitation: i, Waits: account.TakesTwo(i.Role) && i.Confirmed == uuid.Nil}
	if token == "" {
		return m
	}
	m.Link = u.BaseURL + invitationPath + token
	if account.IsDevice(i.Role) {
		m.Code = token
	}
	return m
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
func (u *UI) confirmInvitation(c *gin.Context) {
	id, err := idParameter(c)
	var token string
	if err == nil {
		token, err = u.Accounts.Confirm(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	if token == "" { // who proposed it has the link
		u.seeOther(c, accountsPath)
		return
	}
	offers, err := u.Accounts.Offers(c.Request.Context(), actor(c))
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	i := slices.IndexFunc(offers, func(o account.Offer) bool { return o.ID == id })
	if i < 0 { // withdrawn at this moment
		u.failBackTo(c, registry.ErrNotFound, accountsPath)
		return
	}
	u.answerAccounts(c, http.StatusOK, accountsPage{Made: u.made(offers[i].Invitation, token)})
}

func (u *UI) withdrawInvitation(c *gin.Context) {
	id, err := idParameter(c)
	if err == nil {
		err = u.Accounts.Withdraw(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	u.seeOther(c, accountsPath)
}

// accountOfPage is the page of somebody else's account.
type accountOfPage struct {
	account.Sight
	Scope   string
	SignIns []registry.SignIn
	Made    *madeInvitation
}

func (u *UI) showAccountOf(c *gin.Context) {
	id, err := idParameter(c)
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	if id == actor(c).ID {
		u.seeOther(c, selfPath)
		return
	}
	u.answerAccountOf(c, http.StatusOK, id, nil)
}

func (u *UI) answerAccountOf(c *gin.Context, status int, id uuid.UUID, made *madeInvitation) {
	ctx := c.Request.Context()
	page := accountOfPage{Made: made}
	var err error
	if page.Sight, err = u.Accounts.Sight(ctx, actor(c), id); err == nil && page.MayStop {
		page.SignIns, err = u.Accounts.SignIns(ctx, actor(c), id)
	}
	var names scopes
	if err == nil {
		names, _, err = u.scopesOf(c)
	}
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	page.Scope = names.of(page.Account.Organisation, page.Account.Place, page.Account.Area)
	u.show(c, status, "accountof", page)
}

// actOnAccount does something to an account and shows it.
func (u *UI) actOnAccount(act func(*gin.Context, account.Session, uuid.UUID) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		session, _ := sessionOf(c)
		id, err := idParameter(c)
		if err == nil {
			err = act(c, session, id)
		}
		if err != nil {
			u.failBackTo(c, err, accountsPath)
			return
		}
		u.seeOther(c, accountsPath+"/"+url.PathEscape(id.String()))
	}
}

// renewAccount invites somebody to log in to their account anew.
func (u *UI) renewAccount(c *gin.Context) {
	id, err := idParameter(c)
	var made registry.Invitation
	var token string
	if err == nil {
		made, token, err = u.Accounts.Invite(c.Request.Context(), actor(c), account.Wish{Renews: id})
	}
	if err != nil {
		u.failBackTo(c, err, accountsPath)
		return
	}
	u.answerAccountOf(c, http.StatusCreated, id, u.made(made, token))
}
