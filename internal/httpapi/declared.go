package httpapi

import (
	"context"
	"log/slog"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/vault"
)

// Declarations says who has declared today where a place asks for it, and reads declarations among details that were opened.
type Declarations interface {
	AtDoor(ctx context.Context, place uuid.UUID, aliases ...uuid.UUID) ([]declaration.State, error)
	Read(ctx context.Context, details vault.Details) ([]declaration.Filled, error)
}

// declaredAt says how it stands with the declarations of people at a gate. Where that is not to be learned nobody is asked for one: it
// keeps nobody out.
func (a *API) declaredAt(ctx context.Context, gate uuid.UUID, aliases ...uuid.UUID) []declaration.State {
	states, err := a.declarations.AtDoor(ctx, gate, aliases...)
	if err != nil {
		a.logger.WarnContext(ctx, "not seen who has declared", slog.Any("error", err))
		return make([]declaration.State, len(aliases))
	}
	return states
}

// wireDeclaration is a declaration as it is read with the other details of somebody.
type wireDeclaration struct {
	Day       string           `json:"day"`
	At        int64            `json:"at"`
	Form      string           `json:"form"`
	Version   int              `json:"version"`
	Title     declaration.Text `json:"title"`
	Attention bool             `json:"attention"`
	Answers   []wireAnswer     `json:"answers"`

	Unreadable bool `json:"unreadable,omitempty"`
}

// wireAnswer is the answer to one question.
type wireAnswer struct {
	ID        string             `json:"id"`
	Question  declaration.Text   `json:"question"`
	Answers   []declaration.Text `json:"answers"`
	Attention bool               `json:"attention"`
}

func declarationsOf(filled []declaration.Filled) []wireDeclaration {
	wire := make([]wireDeclaration, len(filled))
	for i, f := range filled {
		wire[i] = wireDeclaration{
			Day: f.Day, At: f.At, Form: f.Form, Version: f.Version, Title: f.Title, Attention: f.Attention, Answers: []wireAnswer{},
			Unreadable: f.Unreadable,
		}
		for _, line := range f.Lines {
			wire[i].Answers = append(wire[i].Answers, wireAnswer(line))
		}
	}
	return wire
}
