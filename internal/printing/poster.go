package printing

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

// PosterOf returns what the poster of a place says, but for the logo: of a part, the site's name over its own. It is false where
// the place is not known.
func PosterOf(names Names, base string, id uuid.UUID) (one poster.Poster, known bool, err error) {
	name, known := names.Name(id)
	code, coded := names.Code(id)
	if !known || !coded {
		return poster.Poster{}, false, nil
	}
	if one, err = poster.New(base, code); err != nil {
		return poster.Poster{}, false, fmt.Errorf("writing a poster: %w", err)
	}
	one.Name, one.Address = name.Name, name.Address
	if name.Site != "" {
		one.Name, one.Part = name.Site, name.Name
	}
	return one, true, nil
}

// Logos keeps pictures; registry.ErrNotFound where there is none.
type Logos interface {
	Logo(ctx context.Context, organisation uuid.UUID) ([]byte, error)
}

// LogoOf returns the logo of an organisation, nil where it has none.
func LogoOf(ctx context.Context, logos Logos, organisation uuid.UUID) (*poster.Logo, error) {
	file, err := logos.Logo(ctx, organisation)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a logo: %w", err)
	}
	return poster.ReadLogo(bytes.NewReader(file))
}
