package printing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// The bounds of printing.
const (
	// MostPosters is how many posters an order may have.
	MostPosters = 20_000
	// Lifetime is how long an order is kept.
	Lifetime = 24 * time.Hour

	mostDrawings = 12      // that wait, are drawn or are done, when one more begins to be drawn
	mostWaiting  = 4       // that wait or are drawn
	mostOfOne    = 2       // of these, of one organisation
	mostBytes    = 1 << 30 // of a file
	mostKept     = 4 << 30 // bytes of all files; beside them, those that somebody reads at the moment
	mostLeftOut  = 100     // places of which is said why they have no poster
)

// The errors of printing. Compare with errors.Is.
var (
	ErrNone    = errs.New(errs.Invalid, "print_none", "No place is chosen that has a code.")
	ErrMany    = errs.New(errs.Invalid, "print_many", "An order has up to 20,000 posters; choose fewer places.")
	ErrStyle   = errs.New(errs.Invalid, "poster_style", "There are no posters of that size, in that language or as such a file.")
	ErrFull    = errs.Busy("print_full", "Many posters are being drawn at this moment; try again in a while.", 30*time.Second)
	ErrDrawing = errs.Busy("print_drawing", "The posters are still being drawn.", 3*time.Second)
	ErrLarge   = errs.New(errs.TooLarge, "print_large", "The file would be larger than 1 GB; choose fewer places, or another kind of file.")
)

// Store keeps orders and pictures. PrintOrder and Logo are registry.ErrNotFound where there is none.
type Store interface {
	PutPrintOrder(ctx context.Context, o registry.PrintOrder) error
	PrintOrder(ctx context.Context, id uuid.UUID, now int64) (registry.PrintOrder, error)
	PrintOrders(ctx context.Context, organisation uuid.UUID, now int64) ([]registry.PrintOrder, error)
	Logo(ctx context.Context, organisation uuid.UUID) ([]byte, error)
}

// Names says what the poster of a place bears.
type Names interface {
	Name(id uuid.UUID) (places.Name, bool)
	Code(id uuid.UUID) (token string, known bool)
}

// Ends is from when on a serial of a place's code is dead, in UTC seconds; 0 where it does not end.
type Ends func(place uuid.UUID, serial uint32) int64

// Deps is what the service is made from.
type Deps struct {
	Store    Store
	Names    Names
	Ends     Ends
	Base     string // where codes lead, as https://c.example.vn
	Location *time.Location
	Dir      string // where what is drawn lies; it is made where it is not there
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Service draws orders, one at a time. It is safe for concurrent use. Close it when done.
type Service struct {
	Deps
	turn chan struct{}
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	drawings []*drawing // the one used last at the end
}

// New returns a service that draws nothing yet.
func New(d Deps) *Service {
	s := &Service{Deps: d, turn: make(chan struct{}, 1)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Close stops what is being drawn and lets go of what was.
func (s *Service) Close() error {
	s.mu.Lock()
	s.stop() // from here on nothing is begun
	s.mu.Unlock()
	s.done.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.drawings {
		d.drop()
	}
	s.drawings = nil
	return nil
}

// Wish is what an owner orders: the posters of places, of their organisation and in that order, in a style and as a kind of file.
type Wish struct {
	Places   []uuid.UUID
	Format   string
	Language string
	Files    string
}

// Order keeps an order of the actor's organisation, and begins to draw it. That the places are of it is for the caller to see to.
// The errors: ErrNone, ErrMany, ErrStyle, ErrFull, and those of the store.
func (s *Service) Order(ctx context.Context, actor registry.Account, w Wish) (registry.PrintOrder, error) {
	now := s.Clock()
	o := registry.PrintOrder{
		Organisation: actor.Organisation, Format: w.Format, Language: w.Language, Files: w.Files, Places: w.Places, Count: len(w.Places),
		Created: now.Unix(), Expires: now.Add(Lifetime).Unix(),
	}
	if _, err := s.styleOf(o); err != nil {
		return o, err
	}
	switch {
	case len(w.Places) == 0:
		return o, ErrNone
	case len(w.Places) > MostPosters:
		return o, ErrMany
	}
	var err error
	if o.ID, err = uuid.NewV7(); err != nil {
		return o, fmt.Errorf("ordering posters: %w", err)
	}
	if s.full(o.Organisation) {
		return o, ErrFull
	}
	if err := s.Store.PutPrintOrder(ctx, o); err != nil {
		return o, fmt.Errorf("ordering posters: %w", err)
	}
	_, err = s.drawing(o)
	return o, err
}

// Orders lists the orders of the actor's organisation, the newest first, without their places.
func (s *Service) Orders(ctx context.Context, actor registry.Account) ([]registry.PrintOrder, error) {
	return s.Store.PrintOrders(ctx, actor.Organisation, s.Clock().Unix())
}

// styleOf reads the style of an order.
func (s *Service) styleOf(o registry.PrintOrder) (poster.Style, error) {
	format, formatErr := poster.ParseFormat(o.Format)
	language, languageErr := poster.ParseLanguage(o.Language)
	err := errors.Join(formatErr, languageErr)
	if err == nil && !slices.Contains(AllFiles(), Files(o.Files)) {
		err = errors.New("no such kind of file")
	}
	if err != nil {
		return poster.Style{}, ErrStyle.Because(err)
	}
	return poster.Style{Format: format, Language: language, Location: s.Location}, nil
}

// order returns an order of the actor's organisation; registry.ErrNotFound for that of others.
func (s *Service) order(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.PrintOrder, error) {
	o, err := s.Store.PrintOrder(ctx, id, s.Clock().Unix())
	if err == nil && o.Organisation != actor.Organisation {
		err = registry.ErrNotFound
	}
	if err != nil {
		return registry.PrintOrder{}, fmt.Errorf("reading a print order: %w", err)
	}
	return o, nil
}

// Look says how far an order is, and begins to draw it where this server has not. The errors: registry.ErrNotFound, ErrFull, and
// those of the store.
func (s *Service) Look(ctx context.Context, actor registry.Account, id uuid.UUID) (Progress, error) {
	o, err := s.order(ctx, actor, id)
	if err != nil {
		return Progress{}, err
	}
	d, err := s.drawing(o)
	if err != nil {
		return Progress{}, err
	}
	return d.progress(), nil
}

// Open returns what was drawn of an order. Close it when done. The errors: those of Look, ErrDrawing while it is not done, and what
// came of drawing it.
func (s *Service) Open(ctx context.Context, actor registry.Account, id uuid.UUID) (*File, error) {
	o, err := s.order(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	d, err := s.drawing(o)
	if err != nil {
		return nil, err
	}
	return d.open()
}

// full says whether nothing more of an organisation may wait to be drawn.
func (s *Service) full(organisation uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy(organisation)
}

// busy is full for who holds the lock.
func (s *Service) busy(organisation uuid.UUID) bool {
	all, own := 0, 0
	for _, d := range s.drawings {
		if d.progress().Done {
			continue
		}
		all++
		if d.order.Organisation == organisation {
			own++
		}
	}
	return all >= mostWaiting || own >= mostOfOne
}

// drawing returns the drawing of an order, and begins one where there is none.
func (s *Service) drawing(o registry.PrintOrder) (*drawing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.drawings, func(d *drawing) bool { return d.order.ID == o.ID }); i >= 0 {
		d := s.drawings[i]
		s.drawings = append(slices.Delete(s.drawings, i, i+1), d)
		return d, nil
	}
	if s.ctx.Err() != nil || s.busy(o.Organisation) {
		return nil, ErrFull
	}
	d := &drawing{order: o}
	d.now.Total = len(o.Places)
	s.drawings = append(s.drawings, d)
	s.done.Go(func() { s.run(d) })
	return d, nil
}

// makeRoom lets go of what is done until one that waits may be drawn: of what has expired, and of what was not used for longest as far
// as that is not enough.
func (s *Service) makeRoom() {
	now := s.Clock().Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	count, size := len(s.drawings), int64(0)
	for _, d := range s.drawings {
		size += d.progress().Size
	}
	s.drawings = slices.DeleteFunc(s.drawings, func(d *drawing) bool {
		p := d.progress()
		if !p.Done || count <= mostDrawings && size <= mostKept-mostBytes && d.order.Expires > now {
			return false
		}
		d.drop()
		count, size = count-1, size-p.Size
		return true
	})
}

// run draws when it is its turn.
func (s *Service) run(d *drawing) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.ctx.Done():
	}
	err := s.ctx.Err()
	if err == nil {
		s.makeRoom()
		err = s.drawAlone(d)
	}
	if err != nil && errs.Of(err).Kind == errs.Internal && s.ctx.Err() == nil {
		s.Logger.Error("posters not drawn", "order", d.order.ID, "error", err)
	}
	d.finish(err)
}

// drawAlone is draw, but that a panic ends this order and not the process, which would draw it again after each start.
func (s *Service) drawAlone(d *drawing) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("drawing posters: panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return s.draw(d)
}
