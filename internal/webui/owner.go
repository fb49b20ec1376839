package webui

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

func (u *UI) registerPlaces(r gin.IRouter) {
	serve(r, "", u.showPlaces)
	serve(r, "/new", u.showNewPlace)
	r.POST("/new", u.createPlace)
	serve(r, "/:id", u.showPlace)
	serve(r, "/:id/code.svg", u.serveCode("image/svg+xml", poster.SVG))
	serve(r, "/:id/code.png", u.serveCode("image/png", poster.PNG))
	serve(r, "/:id/edit", u.showEditPlace)
	r.POST("/:id/edit", u.editPlace)
	serve(r, "/:id/poster.pdf", u.servePoster("application/pdf", ".pdf", poster.PDF))
	serve(r, "/:id/poster.svg", u.servePoster("image/svg+xml", ".svg", poster.SheetSVG))
	serve(r, "/:id/turnout", u.showTurnout)
	u.registerCodes(r.Group("/:id"))
}

// placeNode is a place with its parts beneath it.
type placeNode struct {
	registry.Place
	Depth int // how many places it lies in
	Parts []*placeNode
}

// Indent sets a place apart from those that it lies in, in a list that has no other means.
func (n *placeNode) Indent() string { return strings.Repeat("\u2003", n.Depth) }

// placesPage lists an organisation's places: all as a tree where they are few, else a page of them by name.
type placesPage struct {
	Roots []*placeNode
	Count int
	Words string           // what was looked for
	Area  string           // code of the area that it was looked for in
	Areas []registry.Area  // to choose from: those that have places in them; none where that is no choice
	Found []registry.Place // nil where all are shown
	Next  string           // the address of the next page; empty on the last
	Quiet reminders
}

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

const (
	fewEnough  = 300 // places that are shown at once, as a tree
	foundAPage = 100
	// devicesAtOnce is how many of an organisation's accounts are read at once.
	devicesAtOnce = 500
)

func (u *UI) showPlaces(c *gin.Context) {
	page := placesPage{
		Count: u.Places.Count(actor(c)), Words: strings.TrimSpace(c.Query("name")), Area: c.Query("area"), Areas: realChoice(u.Places.AreasOf(actor(c))),
	}
	if page.Words == "" && page.Area == "" && page.Count <= fewEnough {
		all := u.Places.Tree(actor(c))
		page.Roots = treeOf(inOrder(all))
		page.Quiet = u.remind(c, actor(c).Organisation, all...)
		u.show(c, http.StatusOK, "places", &page)
		return
	}
	after, err := uuid.Parse(cmp.Or(c.Query("after"), uuid.Nil.String()))
	if err != nil {
		u.Fail(c, registry.ErrNotFound.Because(err))
		return
	}
	found, err := u.Records.SearchPlaces(c.Request.Context(), registry.Search{
		Organisation: actor(c).Organisation, Area: page.Area, Text: page.Words, After: after, Limit: foundAPage,
	})
	if err != nil {
		u.Fail(c, fmt.Errorf("looking for places: %w", err))
		return
	}
	page.Found = found.Places
	if page.Words == "" && page.Area == "" && after == uuid.Nil {
		page.Quiet = u.remind(c, actor(c).Organisation, u.Places.Tree(actor(c))...)
	}
	if found.Next != uuid.Nil {
		page.Next = "/places?" + url.Values{"name": {page.Words}, "area": {page.Area}, "after": {found.Next.String()}}.Encode()
	}
	u.show(c, http.StatusOK, "places", &page)
}

// realChoice returns the areas, or none where each lies in the one before it, so that there is nothing to choose.
func realChoice(areas []registry.Area) []registry.Area {
	for i := 1; i < len(areas); i++ {
		if areas[i].Parent != areas[i-1].Code {
			return areas
		}
	}
	return nil
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

// flatten lists each node before its parts.
func flatten(nodes []*placeNode) []*placeNode {
	var list []*placeNode
	for _, node := range nodes {
		list = append(append(list, node), flatten(node.Parts)...)
	}
	return list
}

// treeOf puts each place beneath its parent, in the order given.
func treeOf(all []registry.Place) []*placeNode {
	nodes := make(map[uuid.UUID]*placeNode, len(all))
	for _, p := range all {
		nodes[p.ID] = &placeNode{Place: p}
	}
	var roots []*placeNode
	for _, p := range all {
		node := nodes[p.ID]
		if parent, ok := nodes[p.Parent]; ok {
			parent.Parts = append(parent.Parts, node)
		} else {
			roots = append(roots, node)
		}
	}
	for _, root := range roots {
		root.deepen(0)
	}
	return roots
}

// deepen notes how deep a place and its parts lie.
func (n *placeNode) deepen(depth int) {
	n.Depth = depth
	for _, part := range n.Parts {
		part.deepen(depth + 1)
	}
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

// placePage is one place with its code.
type placePage struct {
	registry.Place
	Above   []registry.Place // its ancestors, the site first
	Parts   []registry.Place
	CheckIn string // where its code leads
	Path    string // the same, here
	File    string // what a downloaded code is called, without the ending
	Check   string // the short code that its poster bears
	Dead    bool   // whether its owner took the code back and made no other
	// What posters can be had in, as addresses name it.
	Sizes, Languages []string
	Devices          []registry.Account // its gates that can be used
	Quiet            reminders
	Suspect          turnout.Suspicion
}

// placeOf reads the place in the path, which must be one of the actor's. On false the refusal has been answered.
func (u *UI) placeOf(c *gin.Context) (registry.Place, bool) {
	id, err := idParameter(c)
	if err != nil {
		u.Fail(c, err)
		return registry.Place{}, false
	}
	place, err := u.Places.Place(actor(c), id)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading a place: %w", err))
		return registry.Place{}, false
	}
	return place, true
}

func (u *UI) showPlace(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	page, err := u.placePage(c, place)
	if err == nil {
		page.Devices, err = u.devicesOf(c, place.ID)
	}
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Quiet = u.remind(c, place.ID, place)
	page.Suspect = u.suspect(c, place)
	u.show(c, http.StatusOK, "place", &page)
}

func (u *UI) placePage(c *gin.Context, place registry.Place) (placePage, error) {
	tree := u.Places.Tree(actor(c))
	page := placePage{Place: place, Path: "/q/" + place.Code, File: fileName(place), Sizes: posterSizes, Languages: posterLanguages}
	var err error
	if page.CheckIn, err = qrgen.URL(u.BaseURL, place.Code); err != nil {
		return placePage{}, fmt.Errorf("writing a code's address: %w", err)
	}
	if page.Check, err = qrgen.CheckCode(place.Code); err != nil {
		return placePage{}, fmt.Errorf("working out a check code: %w", err)
	}
	codes, err := u.Places.Codes(actor(c), place.ID)
	if err != nil {
		return placePage{}, fmt.Errorf("reading the codes of a place: %w", err)
	}
	page.Dead = !codes[0].State.Good()
	byID := make(map[uuid.UUID]registry.Place, len(tree))
	for _, p := range inOrder(tree) {
		byID[p.ID] = p
		if p.Parent == place.ID {
			page.Parts = append(page.Parts, p)
		}
	}
	for p, ok := byID[place.Parent]; ok && len(page.Above) < len(tree); p, ok = byID[p.Parent] {
		page.Above = append([]registry.Place{p}, page.Above...)
	}
	return page, nil
}

// devicesOf returns the gates of a place that can be used.
func (u *UI) devicesOf(c *gin.Context, place uuid.UUID) ([]registry.Account, error) {
	var devices []registry.Account
	for at, more := (registry.Cursor{Limit: devicesAtOnce}), true; more; {
		part, err := u.Accounts.Visible(c.Request.Context(), actor(c), at)
		if err != nil {
			return nil, fmt.Errorf("listing the devices of a place: %w", err)
		}
		for _, a := range part.Records {
			if at.After = a.ID; a.Place == place && !a.Disabled {
				devices = append(devices, a)
			}
		}
		more = part.Next
	}
	return devices, nil
}

// fileName tells codes apart in a folder of downloads: by the name of the place, and its id where the name has no letter that
// every system takes.
func fileName(p registry.Place) string {
	return fmt.Sprintf("truyvet-%s-%d", cmp.Or(registry.FileName(p.Name), strings.ToLower(shortID(p.ID))), p.Serial)
}

// serveCode draws the code of a place. The same serial gives the same picture, so an address that names the serial may be
// kept for good.
func (u *UI) serveCode(mediaType string, draw func(io.Writer, string, poster.Options) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		place, ok := u.placeOf(c)
		if !ok {
			return
		}
		address, err := qrgen.URL(u.BaseURL, place.Code)
		if err != nil {
			u.Fail(c, fmt.Errorf("writing a code's address: %w", err))
			return
		}
		var picture bytes.Buffer
		if err := draw(&picture, address, poster.Options{Scale: 12, Title: place.Name}); err != nil {
			u.Fail(c, fmt.Errorf("drawing a code: %w", err))
			return
		}
		keepWithSerial(c, place)
		if _, download := c.Request.URL.Query()["download"]; download {
			_, ending, _ := strings.Cut(c.Request.URL.Path[strings.LastIndexByte(c.Request.URL.Path, '/'):], ".")
			c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(fileName(place)+"."+ending))
		}
		c.Data(http.StatusOK, mediaType, picture.Bytes())
	}
}

// keepWithSerial lets what is drawn of a place's code be kept for good under an address that names its serial.
func keepWithSerial(c *gin.Context, place registry.Place) {
	if c.Query("serial") == strconv.FormatUint(uint64(place.Serial), 10) {
		c.Header("Cache-Control", "private, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
}
