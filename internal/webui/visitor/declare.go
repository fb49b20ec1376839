package visitor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// Declarations takes what people declare of their health, and shows it to them. AskedAt asks no database.
type Declarations interface {
	Offered() []declaration.Form
	AskedAt(place uuid.UUID) (declaration.Form, bool)
	Declare(ctx context.Context, aliases []uuid.UUID, form string, answers declaration.Answers) error
	Own(ctx context.Context, alias uuid.UUID) ([]declaration.Own, error)
}

const (
	declaredCookie = "truyvet_declared" // what was declared in this browser today: for whom and when, and nothing of the answers

	// declareMe is how a form says that it is of who fills it in; others are said by their positions.
	declareMe = "me"
)

// declaredToday is what a browser keeps of a declaration so that a page can say that it was made without a look into a database.
type declaredToday struct {
	Form string   `json:"form"`
	Day  string   `json:"day"`
	At   int64    `json:"at"`
	Who  []string `json:"who"` // declareMe and positions
}

// declareAt is where a form stands and whose browser it is in.
type declareAt struct {
	Path  string // of the form
	Back  string
	Place string // empty where it is not behind a code
	alias uuid.UUID
}

// declarePage is a form to declare with, and what was declared with it today.
type declarePage struct {
	declareAt
	Form      declaration.Form
	Questions []asked
	With      []companion
	Who       []string       // for whom it is ticked
	Done      *declaredToday // today with this form
	Problem   *page.Problem
}

// asked is a question with what was answered to it before something was wrong.
type asked struct {
	declaration.Question
	Given []string
	Wrong bool
}

// Has says whether something was chosen.
func (q asked) Has(answer string) bool { return slices.Contains(q.Given, answer) }

// Value is what was typed.
func (q asked) Value() string {
	if len(q.Given) == 0 {
		return ""
	}
	return q.Given[0]
}

// Ticked says whether the form is for somebody.
func (d declarePage) Ticked(who int) bool { return slices.Contains(d.Who, strconv.Itoa(who)) }

// TickedMe says whether it is for who fills it in.
func (d declarePage) TickedMe() bool { return slices.Contains(d.Who, declareMe) }

// Quick returns at which question somebody with nothing to declare may stop; none where the form has no such.
func (d declarePage) Quick() int {
	if n := d.Form.HealthFrom(); n < len(d.Form.Questions) {
		return n
	}
	return -1
}

// Whose names those for whom it was declared, but for who did it.
func (d declarePage) Whose() (names []string) {
	for i, known := range d.With {
		if slices.Contains(d.Done.Who, strconv.Itoa(i)) {
			names = append(names, known.Name)
		}
	}
	return names
}

// Mine says whether it was declared for who did it.
func (d declarePage) Mine() bool { return slices.Contains(d.Done.Who, declareMe) }

// declareWhere reads where a form stands, and the form. On false it has been answered.
type declareWhere func(*gin.Context) (declareAt, declaration.Form, bool)

// showDeclare shows the form that stands somewhere.
func (p *Pages) showDeclare(where declareWhere) gin.HandlerFunc {
	return func(c *gin.Context) {
		if at, form, ok := where(c); ok {
			p.answerDeclare(c, http.StatusOK, declarePage{declareAt: at, Form: form})
		}
	}
}

// submitDeclare takes the answers to it.
func (p *Pages) submitDeclare(where declareWhere) gin.HandlerFunc {
	return func(c *gin.Context) {
		if at, form, ok := where(c); ok {
			p.declare(c, at, form)
		}
	}
}

// declareHere is the form that a place asks for, behind its code.
func (p *Pages) declareHere(c *gin.Context) (declareAt, declaration.Form, bool) {
	w, ok := p.wallOf(c)
	if !ok {
		return declareAt{}, declaration.Form{}, false
	}
	form, ok := p.Declarations.AskedAt(w.Token.Place)
	if !ok {
		p.SeeOther(c, w.Path(""))
		return declareAt{}, form, false
	}
	alias, err := p.reachable(c)
	if err != nil {
		p.refuseCitizen(c, checkInPage{wall: w}, err)
		return declareAt{}, form, false
	}
	return declareAt{Path: w.Path("/declare"), Back: w.Path("/stamp"), Place: w.Place.Name, alias: alias}, form, true
}

// declareMine is the form of a name, which somebody chose who has just proved who they are.
func (p *Pages) declareMine(c *gin.Context) (declareAt, declaration.Form, bool) {
	alias, ok := p.meOf(c)
	if !ok {
		p.SeeOther(c, "/me")
		return declareAt{}, declaration.Form{}, false
	}
	offered := p.Declarations.Offered()
	n := slices.IndexFunc(offered, func(f declaration.Form) bool { return f.Name == c.Param("form") })
	if n < 0 {
		p.FailBackTo(c, declaration.ErrForm, declarationsPath)
		return declareAt{}, declaration.Form{}, false
	}
	return declareAt{Path: "/me/declare/" + offered[n].Name, Back: declarationsPath, alias: alias}, offered[n], true
}

// answerDeclare shows a form. What was answered before is in its questions where there is any.
func (p *Pages) answerDeclare(c *gin.Context, status int, body declarePage) {
	body.With = p.companionsOf(c.Request, body.alias)
	body.Done = p.declaredIn(c, body.alias, body.Form.Name)
	if body.Questions == nil {
		body.Questions = questionsOf(body.Form, nil, nil)
	}
	if body.Who == nil {
		body.Who = []string{declareMe}
	}
	p.Show(c, status, "declare", body)
}

func questionsOf(f declaration.Form, given declaration.Answers, wrong []string) []asked {
	questions := make([]asked, len(f.Questions))
	for i, q := range f.Questions {
		questions[i] = asked{q, given[q.ID], slices.Contains(wrong, q.ID)}
	}
	return questions
}

// declare takes the answers that a form sent. It leads back to the form's own address, which then says that it was done.
func (p *Pages) declare(c *gin.Context, at declareAt, form declaration.Form) {
	sent, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, at.Path)
		return
	}
	answers := answersIn(sent, form)
	if sent.Get("nothing") != "" {
		form.Nothing(answers)
	}
	body := declarePage{declareAt: at, Form: form, Who: append([]string{}, sent["who"]...)}
	aliases := p.chosenCompanions(c, at.alias, body.Who)
	if body.TickedMe() {
		aliases = append([]uuid.UUID{at.alias}, aliases...)
	}
	if err = p.Declarations.Declare(c.Request.Context(), aliases, form.Name, answers); err == nil {
		err = p.rememberDeclared(c, at.alias, form.Name, body.Who)
	}
	if err == nil {
		p.SeeOther(c, at.Path)
		return
	}
	p.LogFault(c, err)
	problem := page.ProblemOf(p.Texts(c), err)
	problem.Tell(c)
	var unanswered *declaration.Unanswered
	if errors.As(err, &unanswered) {
		body.Questions = questionsOf(form, answers, unanswered.Questions)
	} else {
		body.Questions = questionsOf(form, answers, nil)
	}
	body.Problem = &problem
	p.answerDeclare(c, problem.Status, body)
}

// answersIn returns the answers in a form that was sent.
func answersIn(sent url.Values, form declaration.Form) declaration.Answers {
	answers := make(declaration.Answers)
	for _, q := range form.Questions {
		if given := sent["q-"+q.ID]; len(given) > 0 {
			answers[q.ID] = given
		}
	}
	return answers
}

// declareOffer offers the form that a place asks for.
type declareOffer struct {
	Form declaration.Form
	Path string
	Done *declaredToday // today in this browser
	Next bool           // it is what comes next
}

// offerOf returns what a place asks for; nil for nothing. It looks into no database.
func (p *Pages) offerOf(c *gin.Context, alias uuid.UUID, w wall) *declareOffer {
	form, asked := p.Declarations.AskedAt(w.Token.Place)
	if !asked {
		return nil
	}
	return &declareOffer{Form: form, Path: w.Path("/declare"), Done: p.declaredIn(c, alias, form.Name)}
}

// declaredIn returns what the browser knows of a declaration with a form today; nil for none.
func (p *Pages) declaredIn(c *gin.Context, alias uuid.UUID, form string) *declaredToday {
	for _, done := range p.declaredOf(c, alias) {
		if done.Form == form {
			return &done
		}
	}
	return nil
}

// declaredOf returns what the browser knows of today's declarations.
func (p *Pages) declaredOf(c *gin.Context, alias uuid.UUID) []declaredToday {
	var all []declaredToday
	text, err := c.Cookie(declaredCookie)
	if err != nil || !p.Seal.Open(declaredCookie, alias, text, &all) {
		return nil
	}
	return slices.DeleteFunc(all, func(d declaredToday) bool { return d.Day != p.today() })
}

// today is the local day.
func (p *Pages) today() string { return p.Clock().In(p.Location).Format(time.DateOnly) }

// rememberDeclared has the browser keep that somebody was declared for.
func (p *Pages) rememberDeclared(c *gin.Context, alias uuid.UUID, form string, who []string) error {
	done := declaredToday{Form: form, Day: p.today(), At: p.Clock().Unix(), Who: who}
	others := slices.DeleteFunc(p.declaredOf(c, alias), func(d declaredToday) bool {
		if d.Form == form {
			done.Who = append(done.Who, d.Who...)
		}
		return d.Form == form
	})
	slices.Sort(done.Who)
	done.Who = slices.Compact(done.Who)
	text, err := p.Seal.Close(declaredCookie, alias, append(others, done))
	if err != nil {
		return err
	}
	p.SetCookie(c, declaredCookie, text, 24*time.Hour)
	return nil
}

// declarationsPath is the page of what somebody has declared.
const declarationsPath = "/me/declarations"

// declarationsPage is what somebody has declared, and the forms that they can declare with.
type declarationsPage struct {
	Offered  []declaration.Form
	Own      []declaration.Own
	KeptDays int
}

func (p *Pages) showDeclarations(c *gin.Context, me uuid.UUID) {
	own, err := p.Declarations.Own(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	p.Show(c, http.StatusOK, "declarations", declarationsPage{Offered: p.Declarations.Offered(), Own: own, KeptDays: p.keptDays()})
}
