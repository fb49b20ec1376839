package tracing

import (
	"slices"

	"github.com/google/uuid"
)

// MovedPlaces returns the places for which a stay may not be what it was: those that are in one of the two lists alone, that
// have another parent, dwell or area, or lie in one of these.
func MovedPlaces(before, now []PlaceInfo) map[uuid.UUID]bool {
	if slices.Equal(before, now) {
		return nil
	}
	byID := func(infos []PlaceInfo) map[uuid.UUID]PlaceInfo {
		m := make(map[uuid.UUID]PlaceInfo, len(infos))
		for _, info := range infos {
			m[info.ID] = info
		}
		return m
	}
	was, is := byID(before), byID(now)
	judged := make(map[uuid.UUID]bool) // whether a place has moved
	var judge func(id uuid.UUID) bool
	judge = func(id uuid.UUID) bool {
		if id == uuid.Nil {
			return false
		}
		if verdict, done := judged[id]; done {
			return verdict
		}
		a, inBefore := was[id]
		b, inNow := is[id]
		judged[id] = a != b || inBefore != inNow || judge(a.Parent)
		return judged[id]
	}
	moved := make(map[uuid.UUID]bool)
	for _, infos := range [][]PlaceInfo{before, now} {
		for _, info := range infos {
			if judge(info.ID) {
				moved[info.ID] = true
			}
		}
	}
	return moved
}
