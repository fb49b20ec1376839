package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/registry"
)

func newAccountCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "account", Short: "Make, list and stop accounts", Args: cobra.NoArgs}
	parent.AddCommand(
		newAccountCreateCmd(s), newAccountListCmd(s),
		newAccountAct(s, accountAct{
			use: "disable", short: "Keep an account from logging in, and end its sessions",
			do: func(ctx context.Context, o *app.Office, a registry.Account) (string, error) {
				return "disabled\n", o.Accounts.Switch(ctx, a, true)
			},
		}),
		newAccountAct(s, accountAct{
			use: "enable", short: "Let an account log in again",
			do: func(ctx context.Context, o *app.Office, a registry.Account) (string, error) {
				return "enabled\n", o.Accounts.Switch(ctx, a, false)
			},
		}),
		newAccountAct(s, accountAct{
			use: "renew", short: "Give an account a new password, print it once, and take away its second factor and sessions",
			do: func(ctx context.Context, o *app.Office, a registry.Account) (string, error) {
				password := account.NewPassword()
				return "password      " + password + "\n", o.Accounts.Renew(ctx, a, password)
			},
		}),
		newAccountSessionsCmd(s),
	)
	return parent
}

// accountAct is something that is done to the account of a login. It returns what to print.
type accountAct struct {
	use, short string
	do         func(ctx context.Context, o *app.Office, a registry.Account) (string, error)
}

// newAccountAct makes the command of an act.
func newAccountAct(s *settings, act accountAct) *cobra.Command {
	cmd := &cobra.Command{
		Use: act.use + " LOGIN", Short: act.short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccount(s, cmd, args[0], act.do)
		},
	}
	s.addFlags(cmd)
	return cmd
}

// withAccount does something to the account of a login, and prints what it returns.
func withAccount(
	s *settings, cmd *cobra.Command, login string, do func(context.Context, *app.Office, registry.Account) (string, error),
) error {
	return s.withOffice(cmd, func(o *app.Office) error {
		a, err := o.Accounts.ByLogin(cmd.Context(), login)
		if errors.Is(err, registry.ErrNotFound) {
			return errors.New("there is no account of this login")
		}
		if err != nil {
			return err
		}
		text, err := do(cmd.Context(), o, a)
		if err != nil {
			return err
		}
		_, err = io.WriteString(cmd.OutOrStdout(), text)
		return err
	})
}

// newAccountSessionsCmd makes the command that lists where an account is logged in, or ends that.
func newAccountSessionsCmd(s *settings) *cobra.Command {
	var end bool
	cmd := &cobra.Command{
		Use: "sessions LOGIN", Short: "List where an account is logged in, or end that", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccount(s, cmd, args[0], func(ctx context.Context, o *app.Office, a registry.Account) (string, error) {
				if end {
					ended, err := o.Accounts.StopSessions(ctx, a)
					return fmt.Sprintf("ended         %d\n", ended), err
				}
				list, err := o.Accounts.SignIns(ctx, a, a.ID)
				var text strings.Builder
				for _, in := range list {
					fmt.Fprintf(&text, "%s  began %s  seen %s  %s\n", in.ID, utc(in.Began), utc(in.Seen), in.Browser)
				}
				return text.String(), err
			})
		},
	}
	cmd.Flags().BoolVar(&end, "end", false, "end all of them")
	s.addFlags(cmd)
	return cmd
}

func utc(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// newAccountListCmd makes the command that lists accounts.
func newAccountListCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the accounts: login, role, scope, second factor, state", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				accounts, err := o.Registry.Accounts(cmd.Context())
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, a := range accounts {
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", a.Login, a.Role, scopeOf(a),
						choose(a.SecondFactor, "second factor", "password alone"), choose(a.Disabled, "disabled", "active"))
				}
				return out.Flush()
			})
		},
	}
	s.addFlags(cmd)
	return cmd
}

// scopeOf returns what an account is for: the id of an organisation or place, the code of an area, or a hyphen.
func scopeOf(a registry.Account) string {
	switch {
	case a.Organisation != uuid.Nil:
		return a.Organisation.String()
	case a.Place != uuid.Nil:
		return a.Place.String()
	case a.Area != "":
		return a.Area
	}
	return "-"
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func newAccountCreateCmd(s *settings) *cobra.Command {
	var login, role, area, organisation, place string
	create := &cobra.Command{
		Use:   "create",
		Short: "Make an account and print its password, once",
		Long: `Make an account and print its password, once. Of tracing teams and auditors, whom two people grant by invitation on the
page of the accounts, this makes the first city alone: while no tracing account can log in.`,
		Example: `  truyvet account create --login an --role city --area 31
  truyvet account create --login cho-ben --role owner --organisation "Chợ Bến"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				wanted := registry.Account{Login: login, Role: registry.Role(role), Area: area}
				if place != "" {
					id, err := uuid.Parse(place)
					if err != nil {
						return usage(errors.New("--place is not a UUID"))
					}
					wanted.Place = id
				}
				if err := o.Accounts.CheckAlone(cmd.Context(), wanted.Role); err != nil {
					return err
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
			})
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
	return create
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
