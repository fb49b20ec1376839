package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/registry"
)

func newAreasCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "areas", Short: "Keep the tree of provinces, districts and wards", Args: cobra.NoArgs}
	load := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Take in areas from a CSV file with the header code,level,parent,name (level: province, district, ward)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readAreas(args[0])
			if err != nil {
				return fmt.Errorf("reading areas: %w", err)
			}
			return s.withOffice(cmd, func(o *app.Office) error {
				if err := o.Registry.PutAreas(cmd.Context(), file.areas); err != nil {
					return file.fault(err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d areas\n", len(file.areas))
				return err
			})
		},
	}
	s.addFlags(load)
	parent.AddCommand(load)
	return parent
}

// areasFile is the areas of a CSV file.
type areasFile struct {
	file  string
	areas []registry.Area
	lines map[string]int // by code
}

// readAreas reads a file with the columns code, level, parent (may be empty) and name. Whether the areas form a tree with
// those that are in the registry is for the registry to judge.
func readAreas(file string) (*areasFile, error) {
	f := &areasFile{file: file, lines: make(map[string]int)}
	if err := readCSV(file, []string{"code", "level", "parent", "name"}, f.add); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *areasFile) add(t *csvTable) error {
	text := func(column string) string { return strings.Clone(strings.TrimSpace(t.field(column))) }
	a := registry.Area{Code: text("code"), Level: registry.Level(text("level")), Parent: text("parent"), Name: text("name")}
	switch line, twice := f.lines[a.Code]; {
	case a.Code == "":
		return t.fault("code", errors.New("is empty"))
	case a.Name == "":
		return t.fault("name", errors.New("is empty"))
	case twice:
		return t.fault("code", fmt.Errorf("%q stands in line %d already", a.Code, line))
	}
	f.lines[a.Code] = t.line()
	f.areas = append(f.areas, a)
	return nil
}

// fault names the line of the area that the registry refused, where it is one of the file.
func (f *areasFile) fault(err error) error {
	var refused *registry.AreaFault
	if errors.As(err, &refused) && f.lines[refused.Code] > 0 {
		return fmt.Errorf("%s:%d: %w", f.file, f.lines[refused.Code], err)
	}
	return err
}
