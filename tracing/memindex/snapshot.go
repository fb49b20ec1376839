package memindex

import (
	"context"

	"github.com/truyvet/truyvet/tracing"
)

// snapshot is an index as it is known at asOf.
type snapshot struct {
	index *Index
	asOf  int64
}

// OfPeople implements [tracing.Source].
func (s *snapshot) OfPeople(
	ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error,
) error {
	v := s.view(scope)
	for i, w := range windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		person, known := v.personNo[w.Person]
		if !known {
			continue
		}
		to := min(w.To, s.asOf)
		first, end := v.byPerson.since(person, w.From)
		for j := first; j < end && v.united[j].enter < to; j++ {
			u := &v.united[j]
			if scope == tracing.ScopePart && !s.index.isPart[u.place] {
				continue
			}
			if err := s.give(v, u, i, w.From, to, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// AtPlaces implements [tracing.Source].
func (s *snapshot) AtPlaces(
	ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error,
) error {
	v := s.view(scope)
	for i, w := range windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		place, known := v.placeNo[w.Place]
		if !known || scope == tracing.ScopePart && !s.index.isPart[place] {
			continue
		}
		to := min(w.To, s.asOf)
		first, end := v.byPlace.since(place, w.From)
		for j := first; j < end && v.united[v.atPlaces[j]].enter < to; j++ {
			if err := s.give(v, &v.united[v.atPlaces[j]], i, w.From, to, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// view returns the stays united for the scope.
func (s *snapshot) view(scope tracing.Scope) *view {
	if scope == tracing.ScopeSite {
		return s.index.site()
	}
	return s.index.scanned
}

// give yields u for window i, clipped, if it meets [from, to), where to is clipped already.
func (s *snapshot) give(v *view, u *union, i int, from, to int64, yield func(int, tracing.United) error) error {
	if from >= to || min(u.leave, s.asOf) <= from {
		return nil
	}
	united, _ := tracing.United{
		Person: v.people[u.person], Place: v.places[u.place], Enter: u.enter, Leave: u.leave,
		Parts: v.parts[u.first:u.end:u.end],
	}.Clip(s.asOf)
	return yield(i, united)
}
