package webui

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
)

const printPath = "/places/print"

// registerPrint adds the pages on which many posters are ordered, and fetched once they are drawn. Uploads are routes of forms with
// a file.
func (u *UI) registerPrint(r, uploads gin.IRouter) {
	serve(r, "/print", u.showPrint)
	uploads.POST("/print", u.orderPrint)
	serve(r, "/print/:order", u.showOrder)
	serve(r, "/print/:order/file", u.serveOrder)
	serve(r, "/logo", u.showLogo)
	serve(r, "/logo.png", u.serveLogo)
	uploads.POST("/logo", u.changeLogo)
}

// The ways in which places are chosen for printing.
const (
	chooseAll     = "all"
	chooseBeneath = "beneath" // a place and what lies in it
	chooseNamed   = "named"   // what is found by its name
	chooseListed  = "listed"  // in a file
)

// printForm is the form for an order, as it was typed.
type printForm struct {
	Choose, Root, Name, Size, Words, Files string
	Skip                                   bool // lines of the file that are no place of the owner's
}

// printPage is where posters are ordered.
type printPage struct {
	Form             printForm
	Count            int // of all places
	Root             *registry.Place
	Sizes, Languages []string
	Kinds            []printing.Files
	Orders           []registry.PrintOrder
	Faults           listFaults
	Problem          *problem
}

func (u *UI) showPrint(c *gin.Context) {
	form := printForm{Choose: chooseAll, Root: c.Query("root"), Name: strings.TrimSpace(c.Query("name")), Files: string(printing.Book)}
	switch {
	case form.Root != "":
		form.Choose = chooseBeneath
	case form.Name != "":
		form.Choose = chooseNamed
	}
	u.answerPrint(c, http.StatusOK, printPage{Form: form})
}

func (u *UI) answerPrint(c *gin.Context, status int, page printPage) {
	var err error
	if page.Orders, err = u.Printing.Orders(c.Request.Context(), actor(c)); err != nil {
		u.Fail(c, fmt.Errorf("listing print orders: %w", err))
		return
	}
	page.Count, page.Sizes, page.Languages, page.Kinds = u.Places.Count(actor(c)), posterSizes, posterLanguages, printing.AllFiles()
	if root, known := u.ownPlace(c, page.Form.Root); known {
		page.Root = &root
	}
	u.show(c, status, "print", &page)
}

func (u *UI) orderPrint(c *gin.Context) {
	form, file, err := uploadOf(c, "list")
	if err != nil {
		u.failBackTo(c, err, printPath)
		return
	}
	page := printPage{Form: printForm{
		Choose: form.Get("choose"), Root: form.Get("root"), Name: strings.TrimSpace(form.Get("name")), Size: form.Get("size"),
		Words: form.Get("words"), Files: form.Get("files"), Skip: form.Get("skip") != "",
	}}
	chosen := u.chosen(c, &page, file)
	var order registry.PrintOrder
	if err = printing.ErrNone; len(page.Faults.First) > 0 && !page.Form.Skip {
		err = errList
	} else if len(chosen) > 0 {
		order, err = u.Printing.Order(c.Request.Context(), actor(c), printing.Wish{
			Places: chosen, Format: page.Form.Size, Language: page.Form.Words, Files: page.Form.Files,
		})
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		page.Problem = &p
		u.answerPrint(c, p.Status, page)
		return
	}
	u.record(c, actor(c).Login, "posters_ordered", order.ID.String(), fmt.Sprintf("posters=%d", order.Count))
	u.seeOther(c, printPath+"/"+order.ID.String())
}

// chosen returns the places that a form means, each above its parts but for those of a file, which stay in its order.
func (u *UI) chosen(c *gin.Context, page *printPage, file []byte) (ids []uuid.UUID) {
	all := inOrder(u.Places.Tree(actor(c)))
	if page.Form.Choose == chooseListed {
		ids, page.Faults = readPlaceList(file, all)
		return ids
	}
	words := registry.Words(page.Form.Name)
	beneath := make(map[uuid.UUID]bool)
	for _, node := range flatten(treeOf(all)) {
		beneath[node.ID] = node.ID.String() == page.Form.Root || beneath[node.Parent]
		var in bool
		switch page.Form.Choose {
		case chooseAll:
			in = true
		case chooseBeneath:
			in = beneath[node.ID]
		case chooseNamed:
			in = len(words) > 0 && registry.Matches(registry.SearchText(node.Name), words)
		}
		if in {
			ids = append(ids, node.ID)
		}
	}
	return ids
}

// orderPage is an order under way, or done.
type orderPage struct {
	ID uuid.UUID
	printing.Progress
	Problem *problem // why it was given up
	Name    string   // of the file
}

// Megabytes is the size of the file, rounded up.
func (p orderPage) Megabytes() int { return int((p.Size + 999_999) / 1_000_000) }

// orderOf returns the order in the path. What is no id cannot be there.
func orderOf(c *gin.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("order"))
	if err != nil {
		return uuid.Nil, registry.ErrNotFound
	}
	return id, nil
}

func (u *UI) showOrder(c *gin.Context) {
	id, err := orderOf(c)
	page := orderPage{ID: id}
	if err == nil {
		page.Progress, err = u.Printing.Look(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, printPath)
		return
	}
	status := http.StatusOK
	if page.Err != nil {
		p := problemOf(u.texts(c), page.Err)
		page.Problem, status = &p, p.Status
	}
	u.show(c, status, "order", page)
}

// serveOrder gives the file, or the part of it that is asked for: its bytes are the same whoever draws it, and its tag says so.
func (u *UI) serveOrder(c *gin.Context) {
	id, err := orderOf(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	file, err := u.Printing.Open(c.Request.Context(), actor(c), id)
	if err != nil {
		back := printPath
		if errs.Of(err).Code == printing.ErrDrawing.Code {
			back += "/" + id.String()
		}
		u.failBackTo(c, err, back)
		return
	}
	defer func() { _ = file.Close() }() // only read
	c.Header("ETag", `"`+file.Tag+`"`)
	c.Header("Cache-Control", "private, no-cache")
	c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(file.Name))
	http.ServeContent(c.Writer, c.Request, file.Name, time.Time{}, file)
}
