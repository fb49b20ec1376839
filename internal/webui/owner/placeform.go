package owner

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// newPlacePage is the form for a new place, or for one that is edited.
type newPlacePage struct {
	All     []*placeNode // each place above its parts; where there are many, the one alone that it would be a part of
	Many    bool
	Wards   []page.WardGroup
	Kinds   []qrgen.Kind
	Forms   []declaration.Form // that it may ask for
	Form    placeForm
	Problem *page.Problem
	Edited  *registry.Place // the place that is edited; nil for a new one
}

// Inherits says whether the place may take its address and its ward from another.
func (p newPlacePage) Inherits() bool { return p.Edited == nil || p.Edited.Parent != uuid.Nil }

// placeForm is the form for a place, as it was typed.
type placeForm struct {
	Name, Kind, Parent, Address, Area, Dwell, Hours, Asks, Revision string
}

// showNewPlace shows the form with what is most likely meant: a part of the place that the address names, else of the one
// site that there is.
func (p *Pages) showNewPlace(c *gin.Context) {
	parent, named := c.GetQuery("parent")
	if !named && p.Places.Count(page.Actor(c)) <= fewEnough {
		if roots := treeOf(p.Places.Tree(page.Actor(c))); len(roots) == 1 {
			parent = roots[0].ID.String()
		}
	}
	form := placeForm{Parent: parent}
	// Of the kinds only this one has parts that are nearly always of one kind.
	if place, known := p.ownPlace(c, parent); known && place.Kind == qrgen.KindMarket {
		form.Kind = qrgen.KindStall.String()
	}
	p.answerNewPlace(c, http.StatusOK, newPlacePage{Form: form})
}

// ownPlace returns the place of a text that may be the id of one of the actor's.
func (p *Pages) ownPlace(c *gin.Context, text string) (registry.Place, bool) {
	id, err := uuid.Parse(text)
	if err != nil {
		return registry.Place{}, false
	}
	place, err := p.Places.Place(page.Actor(c), id)
	return place, err == nil
}

func (p *Pages) answerNewPlace(c *gin.Context, status int, body newPlacePage) {
	if body.Many = p.Places.Count(page.Actor(c)) > fewEnough; !body.Many {
		body.All = flatten(treeOf(page.InOrder(p.Places.Tree(page.Actor(c)))))
	} else if parent, known := p.ownPlace(c, body.Form.Parent); known {
		body.All = []*placeNode{{Place: parent}}
	}
	body.Wards = page.WardsOf(p.Areas.Areas())
	body.Kinds, body.Forms = qrgen.Kinds(), p.Forms
	p.Show(c, status, "newplace", body)
}

func (p *Pages) createPlace(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/places/new")
		return
	}
	typed := typedPlace(form)
	in, err := typed.place()
	var made registry.Place
	if err == nil {
		made, err = p.Places.Create(c.Request.Context(), page.Actor(c), in)
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerNewPlace(c, told.Status, newPlacePage{Form: typed, Problem: &told})
		return
	}
	p.Record(c, page.Actor(c).Login, "place_created", made.ID.String(), "")
	p.SeeOther(c, "/places/"+made.ID.String())
}

func typedPlace(form url.Values) placeForm {
	return placeForm{
		Name: form.Get("name"), Kind: form.Get("kind"), Parent: form.Get("parent"), Address: form.Get("address"), Area: form.Get("area"),
		Dwell: strings.TrimSpace(form.Get("dwell")), Hours: form.Get("hours"), Asks: form.Get("form"), Revision: form.Get("revision"),
	}
}

func (p *Pages) showEditPlace(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	form := placeForm{
		Name: place.Name, Address: place.Address, Area: place.Area, Hours: place.Hours, Asks: place.Form, Revision: strconv.FormatInt(place.Revision, 10),
	}
	if place.Dwell > 0 {
		form.Dwell = strconv.FormatInt(place.Dwell/60, 10)
	}
	p.answerNewPlace(c, http.StatusOK, newPlacePage{Form: form, Edited: &place})
}

func (p *Pages) editPlace(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/places/"+place.ID.String()+"/edit")
		return
	}
	typed := typedPlace(form)
	typed.Kind = place.Kind.String()
	in, err := typed.place()
	revision, numberErr := strconv.ParseInt(typed.Revision, 10, 64)
	if err == nil && numberErr != nil {
		err = registry.ErrChanged.Because(numberErr)
	}
	if err == nil {
		_, err = p.Places.Update(c.Request.Context(), page.Actor(c), place.ID, revision, in)
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerNewPlace(c, told.Status, newPlacePage{Form: typed, Problem: &told, Edited: &place})
		return
	}
	p.Record(c, page.Actor(c).Login, "place_changed", place.ID.String(), "")
	p.SeeOther(c, "/places/"+place.ID.String())
}

// place reads the form. Whether what it says is possible is for the service to judge.
func (f placeForm) place() (places.NewPlace, error) {
	in := places.NewPlace{Name: f.Name, Address: f.Address, Area: f.Area, Hours: f.Hours, Form: f.Asks}
	var err error
	if in.Kind, err = qrgen.ParseKind(f.Kind); err != nil {
		return in, places.ErrKind
	}
	if f.Parent != "" {
		if in.Parent, err = uuid.Parse(f.Parent); err != nil {
			return in, places.ErrParent
		}
	}
	if f.Dwell != "" {
		if in.DwellMinutes, err = strconv.Atoi(f.Dwell); err != nil || in.DwellMinutes < 1 {
			return in, places.ErrDwell
		}
	}
	return in, nil
}
