package tracing

import (
	"errors"
	"time"
)

// Window is [From, To).
type Window struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Illness is what is known of a case when its infectious window is wanted. The zero value of a field means that it is not
// known. Days are local days, as they were typed.
type Illness struct {
	Onset      Date   // the first day of symptoms
	Sample     Date   // the day of the positive sample: counts where there is no onset
	IsolatedAt int64  // the instant of isolation
	IsolatedOn Date   // the day of isolation, whose end counts: used where the instant is not known
	Explicit   Window // a window given as such is final: nothing else is looked at
}

// InfectiousWindow returns when the case could infect others: from 00:00 of the day before_onset days before the onset (or
// the positive sample), to isolation if it is known, else to 24:00 of the day after_onset days after that same day if the
// profile has such a number, else to asOf. Days begin and end in loc.
//
// Somebody who was isolated before that first day infected nobody: the window is empty. It is an error when neither onset
// nor sample is known.
func (p Profile) InfectiousWindow(ill Illness, asOf int64, loc *time.Location) (Window, error) {
	if ill.Explicit != (Window{}) {
		if ill.Explicit.To <= ill.Explicit.From {
			return Window{}, errors.New("the infectious window ends before it begins")
		}
		return ill.Explicit, nil
	}
	first := ill.Onset
	if first.IsZero() {
		first = ill.Sample
	}
	if first.IsZero() {
		return Window{}, errors.New("neither the onset nor the day of a positive sample is known")
	}
	w := Window{From: first.AddDays(-p.BeforeOnset).Start(loc), To: asOf}
	switch {
	case ill.IsolatedAt != 0:
		w.To = ill.IsolatedAt
	case !ill.IsolatedOn.IsZero():
		w.To = ill.IsolatedOn.AddDays(1).Start(loc)
	case p.AfterOnset != nil:
		w.To = first.AddDays(*p.AfterOnset + 1).Start(loc)
	}
	w.To = max(w.To, w.From)
	return w, nil
}
