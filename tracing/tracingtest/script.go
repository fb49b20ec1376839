package tracingtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Script is an outbreak told in lines, with the lists that are expected:
//
//	# a comment
//	place  NAME [in NAME] [dwell DURATION] [area PROVINCE/DISTRICT]   the dwell is 1h unless given
//	alias  NAME is PERSON                         an unlinked name in a scan is a person of its own
//	scan   TIME NAME in|out|renew PLACE[/TRIP] [id ID] [flagged]
//	void   TIME NAME ID                           takes back NAME's scan with that id
//	as_of  TIME
//	case   PERSON TIME TIME
//	isolated PERSON TIME
//	set    min_overlap|linger|latency DURATION, set depth|crowd_limit NUMBER, set scope part|place|site
//	end    TIME
//	expect F1 PERSON [first TIME] [last TIME] [overlap DURATION] [encounters N] [certainty WORD] [crowd N]
//	expect nobody
//
// Times are DAY/HH:MM or DAY/HH:MM:SS, day 1 being 1 December 2021, in UTC. Durations are Go's. Exactly the people of the
// expect lines must be listed, in the generation given; of what follows the name only what is given is compared, crowd
// with the smallest of the encounters. Names are any words. Unless set, depth is 2, everything else 0, scope part, and the end is
// far away.
type Script struct {
	World    World
	Request  tracing.Request
	Expected []Expected

	name  string
	ids   map[uuid.UUID]string
	named map[string]bool // places
}

// Expected is an expect line.
type Expected struct {
	Person     uuid.UUID
	Name       string
	Generation int
	Fields     map[string]int64 // by the words of the line; certainty as its number
}

// ParseScript reads a script. Its ids are made from name and the words of the script, so that two scripts share none. The
// error names the line.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{
		World:   World{Name: name, Links: map[uuid.UUID]uuid.UUID{}, AsOf: math.MaxInt64},
		Request: tracing.Request{Numbers: tracing.Numbers{Depth: 2}, End: math.MaxInt64, Isolated: map[uuid.UUID]int64{}},
		name:    name, ids: map[uuid.UUID]string{}, named: map[string]bool{},
	}
	expects := false
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := s.line(words[0], words[1:]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		expects = expects || words[0] == "expect"
	}
	if !expects {
		return nil, fmt.Errorf("%s: nothing is expected", name)
	}
	if _, err := tracing.NewPlaces(s.World.Places); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := s.Request.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// line reads one line.
func (s *Script) line(verb string, args []string) error {
	verbs := map[string]struct {
		least int
		read  func([]string) error
	}{
		"place": {1, s.place}, "alias": {3, s.alias}, "scan": {4, s.scan}, "void": {3, s.void}, "as_of": {1, s.asOf},
		"case": {3, s.caseLine}, "isolated": {2, s.isolated}, "set": {2, s.set}, "end": {1, s.end}, "expect": {1, s.expect},
	}
	v, known := verbs[verb]
	if !known {
		return fmt.Errorf("%q is no verb", verb)
	}
	if len(args) < v.least {
		return fmt.Errorf("%s needs %d words", verb, v.least)
	}
	return v.read(args)
}

// id makes the id of a word: kind keeps people and places of one name apart.
func (s *Script) id(kind, word string) uuid.UUID {
	sum := sha256.Sum256([]byte(s.name + "\x00" + kind + "\x00" + word))
	id := uuid.UUID(sum[:16])
	s.ids[id] = word
	return id
}

func (s *Script) place(args []string) error {
	p := tracing.PlaceInfo{ID: s.id("place", args[0]), Dwell: tracing.DefaultDwell}
	s.named[args[0]] = true
	err := options(args[1:], func(word, value string) error {
		switch word {
		case "in":
			p.Parent = s.id("place", value)
			return nil
		case "dwell":
			return duration(value, &p.Dwell)
		case "area":
			p.Area = value
			return nil
		}
		return fmt.Errorf("%q says nothing of a place", word)
	})
	s.World.Places = append(s.World.Places, p)
	return err
}

func (s *Script) alias(args []string) error {
	if args[1] != "is" || len(args) > 3 {
		return errors.New("want: alias NAME is PERSON")
	}
	s.World.Links[s.id("person", args[0])] = s.id("person", args[2])
	return nil
}

func (s *Script) scan(args []string) error {
	kinds := map[string]stay.Kind{"in": stay.In, "out": stay.Out, "renew": stay.Renew}
	at, err := instant(args[0])
	if err != nil {
		return err
	}
	scan := stay.Scan{Alias: s.id("person", args[1]), At: at, Kind: kinds[args[2]]}
	if scan.Kind == 0 {
		return fmt.Errorf("%q is none of in, out, renew", args[2])
	}
	place, trip, hasTrip := strings.Cut(args[3], "/")
	if !s.named[place] {
		return fmt.Errorf("place %q is not known yet", place)
	}
	scan.Place.ID = s.id("place", place)
	if hasTrip {
		scan.Place.Trip = s.id("trip", trip)
	}
	rest := args[4:]
	if n := len(rest); n > 0 && rest[n-1] == "flagged" {
		scan.Doubts, rest = stay.Late, rest[:n-1]
	}
	scan.ID = s.id("scan", fmt.Sprintf("%d", len(s.World.Scans)))
	err = options(rest, func(word, value string) error {
		if word != "id" {
			return fmt.Errorf("%q says nothing of a scan", word)
		}
		scan.ID = s.id("scan id", value)
		return nil
	})
	s.World.Scans = append(s.World.Scans, scan)
	return err
}

func (s *Script) void(args []string) error {
	at, err := instant(args[0])
	s.World.Scans = append(s.World.Scans, stay.Scan{
		ID: s.id("scan", fmt.Sprintf("%d", len(s.World.Scans))), Alias: s.id("person", args[1]),
		Place: tracing.Place{ID: s.id("place", "")}, At: at, Kind: stay.Void, Voids: s.id("scan id", args[2]),
	})
	return err
}

func (s *Script) asOf(args []string) (err error) {
	s.World.AsOf, err = instant(args[0])
	return err
}

func (s *Script) end(args []string) (err error) {
	s.Request.End, err = instant(args[0])
	return err
}

func (s *Script) caseLine(args []string) error {
	from, err := instant(args[1])
	if err != nil {
		return err
	}
	to, err := instant(args[2])
	if err == nil && to < from {
		err = errors.New("the window ends before it begins")
	}
	s.Request.Cases = append(s.Request.Cases, tracing.Case{
		Person: s.id("person", args[0]), Window: tracing.Window{From: from, To: to},
	})
	return err
}

func (s *Script) isolated(args []string) error {
	at, err := instant(args[1])
	s.Request.Isolated[s.id("person", args[0])] = at
	return err
}

func (s *Script) set(args []string) (err error) {
	n := &s.Request.Numbers
	switch name, value := args[0], args[1]; name {
	case "min_overlap":
		return duration(value, &n.MinOverlap)
	case "linger":
		return duration(value, &n.Linger)
	case "latency":
		return duration(value, &n.Latency)
	case "depth":
		n.Depth, err = strconv.Atoi(value)
	case "crowd_limit":
		n.CrowdLimit, err = strconv.Atoi(value)
	case "scope":
		n.Scope, err = tracing.ParseScope(value)
	default:
		err = fmt.Errorf("%q cannot be set", name)
	}
	return err
}

func (s *Script) expect(args []string) error {
	if args[0] == "nobody" {
		return nil
	}
	if len(args) < 2 || !strings.HasPrefix(args[0], "F") {
		return errors.New("want: expect F1 PERSON …")
	}
	generation, err := strconv.Atoi(args[0][1:])
	if err != nil || generation < 1 {
		return fmt.Errorf("%q is no generation", args[0])
	}
	e := Expected{Person: s.id("person", args[1]), Name: args[1], Generation: generation, Fields: map[string]int64{}}
	err = options(args[2:], func(word, value string) (err error) {
		var n int64
		switch word {
		case "first", "last":
			n, err = instant(value)
		case "overlap":
			err = duration(value, &n)
		case "encounters", "crowd":
			n, err = strconv.ParseInt(value, 10, 64)
		case "certainty":
			var c tracing.Certainty
			err = c.UnmarshalText([]byte(value))
			n = int64(c)
		default:
			err = fmt.Errorf("%q cannot be expected", word)
		}
		e.Fields[word] = n
		return err
	})
	s.Expected = append(s.Expected, e)
	return err
}

// options reads words in pairs.
func options(words []string, read func(word, value string) error) error {
	for ; len(words) > 0; words = words[2:] {
		if len(words) == 1 {
			return fmt.Errorf("%q has no value", words[0])
		}
		if err := read(words[0], words[1]); err != nil {
			return err
		}
	}
	return nil
}

// instant reads DAY/HH:MM or DAY/HH:MM:SS.
func instant(word string) (int64, error) {
	fault := fmt.Errorf("%q is no time of the form 1/08:30 or 1/08:30:15", word)
	day, clock, _ := strings.Cut(word, "/")
	n, err := strconv.Atoi(day)
	if err != nil || n < 1 || n > 31 {
		return 0, fault
	}
	for _, form := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(form, clock); err == nil {
			return time.Date(2021, 12, n, t.Hour(), t.Minute(), t.Second(), 0, time.UTC).Unix(), nil
		}
	}
	return 0, fault
}

// duration reads whole seconds written as a Go duration.
func duration(word string, into *int64) error {
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 || d%time.Second != 0 {
		return fmt.Errorf("%q is no duration in whole seconds", word)
	}
	*into = int64(d / time.Second)
	return nil
}
