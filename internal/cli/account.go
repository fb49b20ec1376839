package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
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
			wanted := registry.Account{Login: login, Role: registry.Role(role), Area: area}
			if place != "" {
				if wanted.Place, err = uuid.Parse(place); err != nil {
					return usage(errors.New("--place is not a UUID"))
				}
			}
			password := account.NewPassword()
			made, err := createAccount(cmd.Context(), o.Accounts, wanted, organisation, password)
			if err != nil {
				return err
			}
			if err := o.Audit.Append(cmd.Context(), "system", "account_created", made.ID.String(), string(made.Role)); err != nil {
				return err
			}
			return printAccount(cmd.OutOrStdout(), made, password)
		},
	}
	create.Flags().StringVar(&login, "login", "", "name to log in with")
	create.Flags().StringVar(&role, "role", "", "owner, gate, ward, district, city, admin or auditor")
	create.Flags().StringVar(&area, "area", "", "code of the ward, district or city of a tracing role")
	create.Flags().StringVar(&organisation, "organisation", "", "name of the owner's organisation, which is made, or the id of one that is there")
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

// createAccount makes an account. Organisation is the name of a new one, the id of one that is there, or empty.
func createAccount(
	ctx context.Context, accounts *account.Service, wanted registry.Account, organisation, password string,
) (registry.Account, error) {
	if organisation == "" {
		return accounts.Create(ctx, wanted, password)
	}
	if id, err := uuid.Parse(organisation); err == nil {
		wanted.Organisation = id
		made, err := accounts.Create(ctx, wanted, password)
		if errors.Is(err, registry.ErrDangling) {
			return made, fmt.Errorf("there is no organisation %s: %w", id, err)
		}
		return made, err
	}
	if wanted.Role != registry.RoleOwner || wanted.Place != uuid.Nil || wanted.Area != "" {
		return registry.Account{}, account.ErrRole
	}
	return accounts.CreateOwner(ctx, wanted.Login, organisation, password)
}

// printAccount prints what the account logs in with, and of an owner the organisation, by which others are made beside it.
func printAccount(out io.Writer, a registry.Account, password string) error {
	text := fmt.Sprintf("login         %s\npassword      %s\n", a.Login, password)
	if a.Organisation != uuid.Nil {
		text += fmt.Sprintf("organisation  %s\n", a.Organisation)
	}
	_, err := io.WriteString(out, text)
	return err
}

func newAreasCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "areas", Short: "Keep the tree of provinces, districts and wards", Args: cobra.NoArgs}
	load := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Take in areas from a CSV file with the header code,level,parent,name (level: province, district, ward)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			file, err := readAreas(args[0])
			if err != nil {
				return fmt.Errorf("reading areas: %w", err)
			}
			o, err := s.openOffice(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			if err := o.Registry.PutAreas(cmd.Context(), file.areas); err != nil {
				return file.fault(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d areas\n", len(file.areas))
			return err
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
