package webui

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// home shows the three doors, and in a demonstration the way through each.
func (u *UI) home(c *gin.Context) { u.show(c, http.StatusOK, "home", u.Demo) }

// entriesPerPage is how much of the audit log stands on one page.
const entriesPerPage = 100

// auditPage is a page of the audit log, newest first.
type auditPage struct {
	Entries []registry.AuditEntry
	Older   int64 // the seq before which the next page begins; 0 = this is the last
	First   bool  // whether this is the first page, which says whether the chain holds
	Checked int   // how many entries were verified
	Broken  bool
}

func (u *UI) showAudit(c *gin.Context) {
	ctx := c.Request.Context()
	before, err := strconv.ParseInt(c.Query("before"), 10, 64)
	if err != nil || before < 1 {
		before = 0
	}
	page := auditPage{First: before == 0}
	entries, err := u.Audit.Entries(ctx, before, entriesPerPage+1)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading the audit log: %w", err))
		return
	}
	if len(entries) > entriesPerPage {
		entries = entries[:entriesPerPage]
		page.Older = entries[entriesPerPage-1].Seq
	}
	page.Entries = entries
	if page.First {
		checked, err := u.Audit.Check(ctx)
		page.Checked = int(checked)
		if err != nil {
			u.logFault(c, fmt.Errorf("verifying the audit log: %w", err))
			page.Broken = true
		}
	}
	u.show(c, http.StatusOK, "audit", page)
}

var (
	errAccountPlace = errs.New(errs.Invalid, "account_place", "The place is given by its id, its code or the address of its code.")
	errNotGranted   = errs.New(errs.Forbidden, "role_not_granted", "Accounts of tracing teams are made on the command line of the server alone.")
)

// accountsPage lists the accounts and has the form for a new one.
type accountsPage struct {
	Accounts      []registry.Account
	Organisations []registry.Organisation
	Roles         []registry.Role
	Form          accountForm
	Made          *registry.Account
	Password      string // of the account just made; shown this once
	Problem       *problem
	organisations map[uuid.UUID]string
	places        func(uuid.UUID) string
}

// accountForm is the form for a new account, as it was typed.
type accountForm struct {
	Login, Role, Organisation, Place string
}

// Organisation names an organisation.
func (p accountsPage) Organisation(id uuid.UUID) string { return p.organisations[id] }

// PlaceName names a place.
func (p accountsPage) PlaceName(id uuid.UUID) string { return p.places(id) }

// roles lists the roles in the order of the registry.
func roles() []registry.Role {
	return []registry.Role{
		registry.RoleOwner, registry.RoleGate, registry.RoleWard, registry.RoleDistrict, registry.RoleCity,
		registry.RoleAdmin, registry.RoleAuditor,
	}
}

// grantable lists the roles whose accounts somebody of a role may make.
func grantable(by registry.Role) []registry.Role {
	return slices.DeleteFunc(roles(), func(role registry.Role) bool { return !account.MayGrant(by, role) })
}

func (u *UI) showAccounts(c *gin.Context) {
	u.answerAccounts(c, http.StatusOK, accountsPage{Form: accountForm{Role: string(registry.RoleOwner)}})
}

func (u *UI) answerAccounts(c *gin.Context, status int, page accountsPage) {
	ctx := c.Request.Context()
	var err error
	if page.Accounts, err = u.Records.Accounts(ctx); err != nil {
		u.Fail(c, fmt.Errorf("listing accounts: %w", err))
		return
	}
	if page.Organisations, err = u.Records.Organisations(ctx); err != nil {
		u.Fail(c, fmt.Errorf("listing organisations: %w", err))
		return
	}
	page.organisations = make(map[uuid.UUID]string, len(page.Organisations))
	for _, o := range page.Organisations {
		page.organisations[o.ID] = o.Name
	}
	page.places = func(id uuid.UUID) string {
		name, known := u.Map.Name(id)
		if !known {
			return id.String()
		}
		return name.Name
	}
	page.Roles = grantable(actor(c).Role)
	u.show(c, status, "accounts", page)
}

func (u *UI) createAccount(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/accounts")
		return
	}
	typed := accountForm{
		Login: strings.TrimSpace(form.Get("login")), Role: form.Get("role"), Organisation: form.Get("organisation"),
		Place: strings.TrimSpace(form.Get("place")),
	}
	password := account.NewPassword()
	wanted, err := typed.account()
	var made registry.Account
	if err == nil && !account.MayGrant(actor(c).Role, wanted.Role) {
		err = errNotGranted
	}
	if err == nil {
		made, err = u.Accounts.Create(c.Request.Context(), wanted, password)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		u.answerAccounts(c, p.Status, accountsPage{Form: typed, Problem: &p})
		return
	}
	u.record(c, actor(c).Login, "account_created", made.ID.String(), string(made.Role))
	// Shown in the answer itself: a password is not kept anywhere for a page to come.
	u.answerAccounts(c, http.StatusCreated, accountsPage{
		Form: accountForm{Role: typed.Role}, Made: &made, Password: password,
	})
}

// account reads the form, taking of the scope only the field that the role has. Whether it is possible is for the service
// to judge.
func (f accountForm) account() (registry.Account, error) {
	a := registry.Account{Login: f.Login, Role: registry.Role(f.Role)}
	var err error
	switch a.Role {
	case registry.RoleOwner:
		if a.Organisation, err = uuid.Parse(f.Organisation); err != nil {
			a.Organisation = uuid.Nil
		}
	case registry.RoleGate:
		if a.Place, err = placeID(f.Place); err != nil {
			return a, err
		}
	}
	return a, nil
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
