package webui

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// newPlacePage is the form for a new place, or for one that is edited.
type newPlacePage struct {
	All     []*placeNode // each place above its parts; where there are many, the one alone that it would be a part of
	Many    bool
	Wards   []wardGroup
	Kinds   []qrgen.Kind
	Form    placeForm
	Problem *problem
	Edited  *registry.Place // the place that is edited; nil for a new one
}

// Inherits says whether the place may take its address and its ward from another.
func (p newPlacePage) Inherits() bool { return p.Edited == nil || p.Edited.Parent != uuid.Nil }

// placeForm is the form for a place, as it was typed.
type placeForm struct {
	Name, Kind, Parent, Address, Area, Dwell, Hours, Revision string
}

// wardGroup is the wards of one district, for choosing one.
type wardGroup struct {
	Name  string
	Wards []registry.Area
}

// showNewPlace shows the form with what is most likely meant: a part of the place that the address names, else of the one
// site that there is.
func (u *UI) showNewPlace(c *gin.Context) {
	parent, named := c.GetQuery("parent")
	if !named && u.Places.Count(actor(c)) <= fewEnough {
		if roots := treeOf(u.Places.Tree(actor(c))); len(roots) == 1 {
			parent = roots[0].ID.String()
		}
	}
	form := placeForm{Parent: parent}
	// Of the kinds only this one has parts that are nearly always of one kind.
	if p, known := u.ownPlace(c, parent); known && p.Kind == qrgen.KindMarket {
		form.Kind = qrgen.KindStall.String()
	}
	u.answerNewPlace(c, http.StatusOK, newPlacePage{Form: form})
}

// ownPlace returns the place of a text that may be the id of one of the actor's.
func (u *UI) ownPlace(c *gin.Context, text string) (registry.Place, bool) {
	id, err := uuid.Parse(text)
	if err != nil {
		return registry.Place{}, false
	}
	p, err := u.Places.Place(actor(c), id)
	return p, err == nil
}

func (u *UI) answerNewPlace(c *gin.Context, status int, page newPlacePage) {
	if page.Many = u.Places.Count(actor(c)) > fewEnough; !page.Many {
		page.All = flatten(treeOf(inOrder(u.Places.Tree(actor(c)))))
	} else if parent, known := u.ownPlace(c, page.Form.Parent); known {
		page.All = []*placeNode{{Place: parent}}
	}
	page.Wards = wardsOf(u.Map.Areas())
	page.Kinds = qrgen.Kinds()
	u.show(c, status, "newplace", page)
}

// wardsOf groups the wards by the unit that they lie in, in the order given.
func wardsOf(areas []registry.Area) []wardGroup {
	names := make(map[string]string, len(areas))
	for _, a := range areas {
		names[a.Code] = a.Name
	}
	position := make(map[string]int)
	var groups []wardGroup
	for _, a := range areas {
		if a.Level != registry.Ward {
			continue
		}
		i, ok := position[a.Parent]
		if !ok {
			i = len(groups)
			position[a.Parent] = i
			groups = append(groups, wardGroup{Name: names[a.Parent]})
		}
		groups[i].Wards = append(groups[i].Wards, a)
	}
	return groups
}

func (u *UI) createPlace(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/places/new")
		return
	}
	typed := typedPlace(form)
	in, err := typed.place()
	var made registry.Place
	if err == nil {
		made, err = u.Places.Create(c.Request.Context(), actor(c), in)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerNewPlace(c, p.Status, newPlacePage{Form: typed, Problem: &p})
		return
	}
	u.record(c, actor(c).Login, "place_created", made.ID.String(), "")
	u.seeOther(c, "/places/"+made.ID.String())
}

func typedPlace(form url.Values) placeForm {
	return placeForm{
		Name: form.Get("name"), Kind: form.Get("kind"), Parent: form.Get("parent"), Address: form.Get("address"), Area: form.Get("area"),
		Dwell: strings.TrimSpace(form.Get("dwell")), Hours: form.Get("hours"), Revision: form.Get("revision"),
	}
}

func (u *UI) showEditPlace(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	form := placeForm{
		Name: place.Name, Address: place.Address, Area: place.Area, Hours: place.Hours, Revision: strconv.FormatInt(place.Revision, 10),
	}
	if place.Dwell > 0 {
		form.Dwell = strconv.FormatInt(place.Dwell/60, 10)
	}
	u.answerNewPlace(c, http.StatusOK, newPlacePage{Form: form, Edited: &place})
}

func (u *UI) editPlace(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/places/"+place.ID.String()+"/edit")
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
		_, err = u.Places.Update(c.Request.Context(), actor(c), place.ID, revision, in)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerNewPlace(c, p.Status, newPlacePage{Form: typed, Problem: &p, Edited: &place})
		return
	}
	u.record(c, actor(c).Login, "place_changed", place.ID.String(), "")
	u.seeOther(c, "/places/"+place.ID.String())
}

// place reads the form. Whether what it says is possible is for the service to judge.
func (f placeForm) place() (places.NewPlace, error) {
	in := places.NewPlace{Name: f.Name, Address: f.Address, Area: f.Area, Hours: f.Hours}
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
