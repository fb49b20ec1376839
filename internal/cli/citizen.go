package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
)

// newCitizenCmd makes the commands about citizens.
func newCitizenCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "citizen", Short: "Help citizens", Args: cobra.NoArgs}
	parent.AddCommand(newCitizenAct(s, citizenAct{
		use:   "revoke",
		short: "End a person's sign-ins in all browsers, as when a phone is lost; servers follow within seconds",
		do:    revokeSignIns,
	}), newCitizenEraseCmd(s))
	return parent
}

// newCitizenEraseCmd makes the command that erases check-ins.
func newCitizenEraseCmd(s *settings) *cobra.Command {
	var alone bool
	cmd := newCitizenAct(s, citizenAct{
		use:   "erase",
		short: "Erase every check-in of the holder of a number until now, and of those under their phone; whoever a list holds is left",
		do: func(ctx context.Context, o *app.Office, alias uuid.UUID, _ registry.Person) (string, error) {
			return eraseScans(ctx, o, citizen.Wish{Alias: alias, Under: !alone, By: "on the command line"})
		},
	})
	cmd.Flags().BoolVar(&alone, "alone", false, "leave the check-ins of those without a phone who are under this one")
	return cmd
}

// citizenAct is something that is done for the person of a number. It returns what to print.
type citizenAct struct {
	use, short string
	do         func(ctx context.Context, o *app.Office, alias uuid.UUID, person registry.Person) (string, error)
}

// newCitizenAct makes the command of an act.
func newCitizenAct(s *settings, act citizenAct) *cobra.Command {
	var phone, card string
	cmd := &cobra.Command{
		Use:   act.use + " (--phone NUMBER | --id-card NUMBER)",
		Short: act.short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (phone == "") == (card == "") {
				return usage(fmt.Errorf("%s needs either --phone or --id-card", act.use))
			}
			return s.withOffice(cmd, func(o *app.Office) error {
				alias, person, err := personOf(cmd.Context(), o, phone, card)
				if err != nil {
					return err
				}
				text, err := act.do(cmd.Context(), o, alias, person)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&phone, "phone", "", "the person's phone number")
	cmd.Flags().StringVar(&card, "id-card", "", "the number of the person's ID card, 12 digits")
	s.addFlags(cmd)
	return cmd
}

// personOf returns the alias of a phone number or, where that is empty, of the number of an ID card, and the person that it
// stands for. No error holds the number.
func personOf(ctx context.Context, o *app.Office, phone, card string) (uuid.UUID, registry.Person, error) {
	var alias uuid.UUID
	var err error
	if phone != "" {
		alias, err = o.Pseudonyms.Phone(phone)
	} else {
		alias, err = o.Pseudonyms.IDCard(card)
	}
	if err != nil {
		return uuid.Nil, registry.Person{}, usage(err)
	}
	person, err := o.Registry.PersonByAlias(ctx, alias)
	if errors.Is(err, registry.ErrNotFound) {
		err = errors.New("nobody is registered under this number")
	}
	return alias, person, err
}

// revokeSignIns ends the credentials that were issued to a person until now.
func revokeSignIns(ctx context.Context, o *app.Office, _ uuid.UUID, person registry.Person) (string, error) {
	// Those issued in this second too: whoever signs in again may do so in the next.
	if err := o.Registry.RevokeCredentials(ctx, person.ID, o.Clock().Unix()+1); err != nil {
		return "", err
	}
	const done = "Every browser of this person has to prove the phone number again."
	return done, o.Audit.Append(ctx, "system", "sign_ins_revoked", person.ID.String(), "")
}

// eraseScans erases what was scanned of somebody and says what became of it.
func eraseScans(ctx context.Context, o *app.Office, w citizen.Wish) (string, error) {
	done, err := citizen.NewErasures(o.Registry, o.Audit, o.Config.ListAge(), o.Clock).Erase(ctx, w)
	if err != nil {
		return "", err
	}
	text := "No new trace finds these check-ins."
	if !done.Own {
		text = "Those of the holder stay: a list has them in it. Those of the others: no new trace finds them."
	}
	if w.Under && len(done.Held.Under) > 0 {
		text += fmt.Sprintf("\n%d of %d under this phone are erased; of the others a list has them in it.", done.Under, len(done.Held.Under))
	}
	return text, nil
}
