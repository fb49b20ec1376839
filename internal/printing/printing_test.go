package printing_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// shop is a store of orders and a town of places, in memory.
type shop struct {
	mu     sync.Mutex
	orders map[uuid.UUID]registry.PrintOrder
	logo   []byte
	names  map[uuid.UUID]places.Name
	keys   *qrgen.KeySet
	held   chan struct{} // where it is not nil, names are given once it is closed
	broken uuid.UUID     // whose name panics
	dead   uuid.UUID     // whose code was taken back
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{orders: make(map[uuid.UUID]registry.PrintOrder), names: make(map[uuid.UUID]places.Name), keys: qrgen.NewKeySet()}
	if _, err := s.keys.Create(time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	return s
}

// place adds a place whose id, and so whose code, follows from how many there are.
func (s *shop) place(name, site string) uuid.UUID {
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, len(s.names)))
	s.names[id] = places.Name{Name: name, Site: site, Address: "1 Hàng Đậu"}
	return id
}

func (s *shop) Name(id uuid.UUID) (places.Name, bool) {
	if s.held != nil {
		<-s.held
	}
	if id == s.broken && id != uuid.Nil {
		panic("broken")
	}
	name, known := s.names[id]
	return name, known
}

func (s *shop) Code(id uuid.UUID) (string, bool) {
	token, err := s.keys.Sign(qrgen.Token{Kind: qrgen.KindStall, Place: id, IssuedAt: time.Unix(1_800_000_000, 0), Serial: 1})
	return token, err == nil
}

func (s *shop) ends(id uuid.UUID, _ uint32) int64 {
	if id == s.dead {
		return 1_900_000_000
	}
	return 0
}

func (s *shop) PutPrintOrder(_ context.Context, o registry.PrintOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.ID] = o
	return nil
}

func (s *shop) PrintOrder(_ context.Context, id uuid.UUID, now int64) (registry.PrintOrder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, there := s.orders[id]; there && o.Expires > now {
		return o, nil
	}
	return registry.PrintOrder{}, registry.ErrNotFound
}

func (s *shop) PrintOrders(context.Context, uuid.UUID, int64) ([]registry.PrintOrder, error) {
	return nil, nil
}

func (s *shop) Logo(context.Context, uuid.UUID) ([]byte, error) {
	if s.logo == nil {
		return nil, registry.ErrNotFound
	}
	return s.logo, nil
}

var owner, stranger = registry.Account{Organisation: uuid.New()}, registry.Account{Organisation: uuid.New()}

// press is a service that draws in a folder.
type press struct {
	*printing.Service
	t   testing.TB
	dir string
}

func (s *shop) press(t testing.TB) press {
	t.Helper()
	dir := t.TempDir()
	p := press{printing.New(printing.Deps{
		Store: s, Names: s, Ends: s.ends, Base: "https://c.example.vn", Dir: dir, Clock: func() time.Time { return time.Unix(2_000_000_000, 0) },
		Logger: slog.New(slog.DiscardHandler),
	}), t, dir}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func wish(ids ...uuid.UUID) printing.Wish {
	return printing.Wish{Places: ids, Format: "A6", Language: "vi", Files: string(printing.Book)}
}

func (p press) order(w printing.Wish) uuid.UUID { return p.orderFor(owner, w) }

func (p press) orderFor(who registry.Account, w printing.Wish) uuid.UUID {
	p.t.Helper()
	o, err := p.Order(context.Background(), who, w)
	if err != nil {
		p.t.Fatal(err)
	}
	return o.ID
}

// await returns how an order came out.
func (p press) await(id uuid.UUID) printing.Progress {
	p.t.Helper()
	for {
		now, err := p.Look(context.Background(), owner, id)
		if err != nil {
			p.t.Fatal(err)
		}
		if now.Done {
			return now
		}
		time.Sleep(time.Millisecond)
	}
}

// read returns what was drawn.
func (p press) read(id uuid.UUID) (content []byte, name string) {
	p.t.Helper()
	now := p.await(id)
	file, err := p.Open(context.Background(), owner, id)
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	content, err = io.ReadAll(file)
	if sum := sha256.Sum256(content); err != nil || hex.EncodeToString(sum[:]) != file.Tag || now.Size != int64(len(content)) {
		p.t.Errorf("%d bytes of %d under %s: %v", len(content), now.Size, file.Tag, err)
	}
	return content, file.Name
}

// TestOrdersAreDrawn has names of every awkward kind, a place whose code is dead, and one that is gone, drawn twice by different servers.
func TestOrdersAreDrawn(t *testing.T) {
	s := newShop(t)
	var ids []uuid.UUID
	for _, name := range []string{"Sạp rau cô Tư", "=1+1", "🍜", "Phở 🍜 Thìn", strings.Repeat("Chợ Bến Thành ", 21) + "cuối"} {
		ids = append(ids, s.place(name, ""))
	}
	s.dead = s.place("Quầy đã đóng", "")
	ids = append(ids, s.place("Cổng số 1", "Chợ Sắt"), s.dead, uuid.New())
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	s.logo = logo.Bytes()
	for _, files := range printing.AllFiles() {
		w := wish(ids...)
		w.Files = string(files)
		first, second := s.press(t), s.press(t)
		id := first.order(w)
		now := first.await(id)
		if now.Err != nil || now.Total != 8 || now.Looked != 8 || now.Drawn != 5 || len(now.LeftOut) != 3 ||
			now.LeftOut[0].Name != "🍜" || now.LeftOut[1].Name != "Quầy đã đóng" || now.LeftOut[2].Name != "" {
			t.Errorf("%s: %+v", files, now)
		}
		a, name := first.read(id)
		b, _ := second.read(id)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two servers draw different bytes", files)
		}
		if name != "truyvet-5-posters-A6"+files.Ending() {
			t.Errorf("%s: it is called %s", files, name)
		}
		if files == printing.Book {
			if n := bytes.Count(a, []byte("/Type/Page/")); n != 5 || !bytes.HasPrefix(a, []byte("%PDF-")) {
				t.Errorf("the book has %d pages", n)
			}
			continue
		}
		z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
		if err != nil || len(z.File) != 5 || z.File[4].Name != "00005-cho-sat-cong-so-1."+string(files) || z.File[1].Name != "00002-1-1."+string(files) {
			t.Errorf("%s: %v, %d files", files, err, len(z.File))
		}
		if left, _ := os.ReadDir(first.dir); len(left) > 0 {
			t.Errorf("%s is left in the folder", left[0].Name())
		}
	}
}

func TestOrdersAreRefused(t *testing.T) {
	s := newShop(t)
	p := s.press(t)
	one := s.place("A", "")
	for want, change := range map[error]func(*printing.Wish){
		printing.ErrNone:  func(w *printing.Wish) { w.Places = nil },
		printing.ErrMany:  func(w *printing.Wish) { w.Places = make([]uuid.UUID, printing.MostPosters+1) },
		printing.ErrStyle: func(w *printing.Wish) { w.Files = "doc" },
	} {
		w := wish(one)
		change(&w)
		if _, err := p.Order(t.Context(), owner, w); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	id := p.order(wish(one))
	p.await(id)
	_, looked := p.Look(t.Context(), stranger, id)
	_, opened := p.Open(t.Context(), stranger, id)
	_, unknown := p.Look(t.Context(), owner, uuid.New())
	for _, err := range []error{looked, opened, unknown} {
		if !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("what is others', or nobody's: %v", err)
		}
	}
	gone := p.order(wish(uuid.New()))
	if now := p.await(gone); !errors.Is(now.Err, printing.ErrNone) {
		t.Errorf("an order of places that are gone: %v", now.Err)
	}
	if _, err := p.Open(t.Context(), owner, gone); !errors.Is(err, printing.ErrNone) {
		t.Errorf("its file: %v", err)
	}
}

// TestPrintingIsBounded orders while nothing gets on, and then far more than is kept.
func TestPrintingIsBounded(t *testing.T) {
	s := newShop(t)
	s.held = make(chan struct{})
	p := s.press(t)
	one := s.place("A", "")
	var waiting []uuid.UUID
	for _, who := range []registry.Account{owner, stranger} {
		waiting = append(waiting, p.orderFor(who, wish(one)), p.orderFor(who, wish(one)))
		_, err := p.Order(t.Context(), who, wish(one))
		if known := errs.Of(err); !errors.Is(err, printing.ErrFull) || known.RetrySeconds() == 0 {
			t.Errorf("one too many of an organisation: %v", err)
		}
	}
	third := registry.Account{Organisation: uuid.New()}
	if _, err := p.Order(t.Context(), third, wish(one)); !errors.Is(err, printing.ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := p.Open(t.Context(), owner, waiting[0]); !errors.Is(err, printing.ErrDrawing) {
		t.Errorf("the file of what is being drawn: %v", err)
	}
	close(s.held)
	first, _ := p.read(waiting[0])
	held, err := p.Open(t.Context(), owner, waiting[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		p.await(p.order(wish(one)))
	}
	if again, err := io.ReadAll(held); err != nil || !bytes.Equal(again, first) {
		t.Errorf("a file that was open when it had to go: %d bytes, %v", len(again), err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if again, _ := p.read(waiting[0]); !bytes.Equal(again, first) {
		t.Error("drawn again it is another file")
	}
}

// TestPanicEndsItsOrderAlone draws on after an order that cannot be drawn.
func TestPanicEndsItsOrderAlone(t *testing.T) {
	s := newShop(t)
	p := s.press(t)
	good, bad := s.place("A", ""), s.place("B", "")
	s.broken = bad
	if now := p.await(p.order(wish(bad))); now.Err == nil || errs.Of(now.Err).Kind != errs.Internal {
		t.Errorf("an order that panics: %v", now.Err)
	}
	p.read(p.order(wish(good)))
}

// TestWhatHasExpiredGoes lets go of a file whose order is over when another is drawn.
func TestWhatHasExpiredGoes(t *testing.T) {
	s := newShop(t)
	var now atomic.Int64
	now.Store(2_000_000_000)
	p := press{printing.New(printing.Deps{
		Store: s, Names: s, Ends: s.ends, Base: "https://c.example.vn", Dir: t.TempDir(), Clock: func() time.Time { return time.Unix(now.Load(), 0) },
		Logger: slog.New(slog.DiscardHandler),
	}), t, ""}
	t.Cleanup(func() { _ = p.Close() })
	one := s.place("A", "")
	over := p.order(wish(one))
	p.await(over)
	if n := p.Kept(); n != 1 {
		t.Errorf("%d are kept", n)
	}
	now.Add(int64(printing.Lifetime / time.Second))
	p.await(p.order(wish(one)))
	if n := p.Kept(); n != 1 {
		t.Errorf("%d are kept", n)
	}
}

// TestClosingStops closes in the middle of an order.
func TestClosingStops(t *testing.T) {
	s := newShop(t)
	s.held = make(chan struct{})
	p := s.press(t)
	id := p.order(wish(s.place("A", ""), s.place("B", "")))
	close(s.held)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Look(t.Context(), owner, id); err == nil {
		t.Error("a service that is closed draws on")
	}
}

// TestMemoryDoesNotGrowWithTheCount draws some posters and ten times as many, and compares what was in use at the most.
func TestMemoryDoesNotGrowWithTheCount(t *testing.T) {
	s := newShop(t)
	var ids []uuid.UUID
	for i := range 400 {
		ids = append(ids, s.place(fmt.Sprintf("Sạp số %d", i+1), "Chợ Sắt"))
	}
	peak := func(n int) uint64 {
		p := s.press(t)
		id := p.order(wish(ids[:n]...))
		var most uint64
		for next := 0; ; {
			now, err := p.Look(t.Context(), owner, id)
			if err != nil {
				t.Fatal(err)
			}
			if now.Looked >= next {
				next = now.Looked + n/5
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			if now.Done {
				return most
			}
			time.Sleep(time.Millisecond)
		}
	}
	peak(40) // the fonts are read
	few, many := peak(40), peak(len(ids))
	if many > few+few/2 {
		t.Errorf("%d posters take %d B, %d take %d B", len(ids), many, 40, few)
	}
}
