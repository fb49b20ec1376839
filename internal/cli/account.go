package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

func newAccountCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "account", Short: "Make accounts", Args: cobra.NoArgs}
	var login, role, area, organisation, place string
	create := &cobra.Command{
		Use:   "create",
		Short: "Make an account and print its password, once",
		Example: `  truyvet account create --login an --role city --area 31
  truyvet account create --login cho-ben --role owner --organisation "Chợ Bến"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o, err := s.openOffice(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			a := registry.Account{Login: login, Role: registry.Role(role), Area: area}
			if place != "" {
				if a.Place, err = uuid.Parse(place); err != nil {
					return errors.New("--place is not a UUID")
				}
			}
			if organisation != "" {
				if a.Organisation, err = uuid.NewV7(); err != nil {
					return fmt.Errorf("making an id: %w", err)
				}
				org := registry.Organisation{ID: a.Organisation, Name: organisation, Created: o.Clock().Unix()}
				if err := o.Registry.PutOrganisation(cmd.Context(), org); err != nil {
					return err
				}
			}
			password := account.NewPassword()
			if a, err = o.Accounts.Create(cmd.Context(), a, password); err != nil {
				return err
			}
			if err := o.Audit.Append(cmd.Context(), "system", "account_created", a.ID.String(), string(a.Role)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "login     %s\npassword  %s\n", a.Login, password)
			return err
		},
	}
	create.Flags().StringVar(&login, "login", "", "name to log in with")
	create.Flags().StringVar(&role, "role", "", "owner, gate, ward, district, city, admin or auditor")
	create.Flags().StringVar(&area, "area", "", "code of the ward, district or city of a tracing role")
	create.Flags().StringVar(&organisation, "organisation", "", "name of the owner's organisation, which is made")
	create.Flags().StringVar(&place, "place", "", "id of the gate's place")
	for _, name := range []string{"login", "role"} {
		if err := create.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	s.addFlags(create)
	parent.AddCommand(create)
	return parent
}

func newAreasCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "areas", Short: "Keep the tree of provinces, districts and wards", Args: cobra.NoArgs}
	load := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Take in areas from a CSV file with the header code,level,parent,name (level: province, district, ward)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			areas, err := readAreas(args[0])
			if err != nil {
				return err
			}
			o, err := s.openOffice(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			if err := o.Registry.PutAreas(cmd.Context(), areas); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d areas\n", len(areas))
			return err
		},
	}
	s.addFlags(load)
	parent.AddCommand(load)
	return parent
}

// readAreas reads the file, parents before their children, and names the line that is wrong.
func readAreas(path string) ([]registry.Area, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the areas: %w", err)
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.FieldsPerRecord = 4
	header, err := rows.Read()
	if err != nil || strings.TrimPrefix(strings.Join(header, ","), "\ufeff") != "code,level,parent,name" {
		return nil, fmt.Errorf("%s: the first line is not the header code,level,parent,name", path)
	}
	ranks := map[registry.Level]registry.Level{registry.District: registry.Province, registry.Ward: registry.District}
	levels := make(map[string]registry.Level)
	var areas []registry.Area
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return areas, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		a := registry.Area{Code: strings.TrimSpace(row[0]), Level: registry.Level(row[1]), Parent: strings.TrimSpace(row[2]), Name: strings.TrimSpace(row[3])}
		above, below := ranks[a.Level]
		switch {
		case a.Code == "" || a.Name == "":
			return nil, fmt.Errorf("%s:%d: an area needs a code and a name", path, line)
		case levels[a.Code] != "":
			return nil, fmt.Errorf("%s:%d: the code %s stands twice", path, line, a.Code)
		case !below && a.Level != registry.Province:
			return nil, fmt.Errorf("%s:%d: level %q is none of province, district, ward", path, line, row[1])
		case levels[a.Parent] != above:
			return nil, fmt.Errorf("%s:%d: the parent of a %s is a %s that stands before it", path, line, a.Level, above)
		}
		levels[a.Code] = a.Level
		areas = append(areas, a)
	}
}
