package owner

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const printPath = "/places/print"

// registerPrint adds the pages on which many posters are ordered, and fetched once they are drawn. Uploads are routes of forms with
// a file.
func (p *Pages) registerPrint(r, uploads gin.IRouter) {
	page.Serve(r, "/print", p.showPrint)
	uploads.POST("/print", p.orderPrint)
	page.Serve(r, "/print/:order", p.showOrder)
	page.Serve(r, "/print/:order/file", p.serveOrder)
	page.Serve(r, "/logo", p.showLogo)
	page.Serve(r, "/logo.png", p.serveLogo)
	uploads.POST("/logo", p.changeLogo)
}

// errList says that lines of a file name no place of the owner's.
var errList = errs.New(errs.Invalid, "print_list", "Some lines of the file name no place of yours. Nothing was ordered.")

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
	Faults           []places.RowFault // lines of the file, the first of them
	More             int               // that are wrong beyond these
	Problem          *page.Problem
}

func (p *Pages) showPrint(c *gin.Context) {
	form := printForm{Choose: chooseAll, Root: c.Query("root"), Name: strings.TrimSpace(c.Query("name")), Files: string(printing.Book)}
	switch {
	case form.Root != "":
		form.Choose = chooseBeneath
	case form.Name != "":
		form.Choose = chooseNamed
	}
	p.answerPrint(c, http.StatusOK, printPage{Form: form})
}

func (p *Pages) answerPrint(c *gin.Context, status int, body printPage) {
	var err error
	if body.Orders, err = p.Printing.Orders(c.Request.Context(), page.Actor(c)); err != nil {
		p.Fail(c, fmt.Errorf("listing print orders: %w", err))
		return
	}
	body.Count, body.Sizes, body.Languages, body.Kinds = p.Places.Count(page.Actor(c)), posterSizes, posterLanguages, printing.AllFiles()
	if root, known := p.ownPlace(c, body.Form.Root); known {
		body.Root = &root
	}
	p.Show(c, status, "print", &body)
}

func (p *Pages) orderPrint(c *gin.Context) {
	form, file, err := uploadOf(c, "list")
	if err != nil {
		p.FailBackTo(c, err, printPath)
		return
	}
	body := printPage{Form: printForm{
		Choose: form.Get("choose"), Root: form.Get("root"), Name: strings.TrimSpace(form.Get("name")), Size: form.Get("size"),
		Words: form.Get("words"), Files: form.Get("files"), Skip: form.Get("skip") != "",
	}}
	chosen := p.chosen(c, &body, file)
	var order registry.PrintOrder
	if err = printing.ErrNone; len(body.Faults) > 0 && !body.Form.Skip {
		err = errList
	} else if len(chosen) > 0 {
		order, err = p.Printing.Order(c.Request.Context(), page.Actor(c), printing.Wish{
			Places: chosen, Format: body.Form.Size, Language: body.Form.Words, Files: body.Form.Files,
		})
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		body.Problem = &told
		p.answerPrint(c, told.Status, body)
		return
	}
	p.Record(c, page.Actor(c).Login, "posters_ordered", order.ID.String(), fmt.Sprintf("posters=%d", order.Count))
	p.SeeOther(c, printPath+"/"+order.ID.String())
}

// chosen returns the places that a form means, each above its parts but for those of a file, which stay in its order.
func (p *Pages) chosen(c *gin.Context, body *printPage, file []byte) (ids []uuid.UUID) {
	if body.Form.Choose == chooseListed {
		list := p.Places.ReadList(page.Actor(c), file)
		body.Faults, body.More = list.Faults, list.More
		return list.Places
	}
	all := page.InOrder(p.Places.Tree(page.Actor(c)))
	words := registry.Words(body.Form.Name)
	beneath := make(map[uuid.UUID]bool)
	for _, node := range flatten(treeOf(all)) {
		beneath[node.ID] = node.ID.String() == body.Form.Root || beneath[node.Parent]
		var in bool
		switch body.Form.Choose {
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
	Problem *page.Problem // why it was given up
	Name    string        // of the file
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

func (p *Pages) showOrder(c *gin.Context) {
	id, err := orderOf(c)
	body := orderPage{ID: id}
	if err == nil {
		body.Progress, err = p.Printing.Look(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, printPath)
		return
	}
	status := http.StatusOK
	if body.Err != nil {
		told := page.ProblemOf(p.Texts(c), body.Err)
		body.Problem, status = &told, told.Status
	}
	p.Show(c, status, "order", body)
}

// serveOrder gives the file, or the part of it that is asked for: its bytes are the same whoever draws it, and its tag says so.
func (p *Pages) serveOrder(c *gin.Context) {
	id, err := orderOf(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	file, err := p.Printing.Open(c.Request.Context(), page.Actor(c), id)
	if err != nil {
		back := printPath
		if errs.Of(err).Code == printing.ErrDrawing.Code {
			back += "/" + id.String()
		}
		p.FailBackTo(c, err, back)
		return
	}
	defer func() { _ = file.Close() }() // only read
	c.Header("ETag", `"`+file.Tag+`"`)
	c.Header("Cache-Control", "private, no-cache")
	c.Header("Content-Disposition", "attachment; filename="+url.PathEscape(file.Name))
	if strings.Contains(c.GetHeader("Range"), ",") { // one part at a time: many small ones cost more than the whole
		c.Request.Header.Del("Range")
	}
	http.ServeContent(c.Writer, c.Request, file.Name, time.Time{}, file)
}
