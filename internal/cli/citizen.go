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
	parent.AddCommand(
		newCitizenAct(s, citizenAct{
			use:   "revoke",
			short: "End a person's sign-ins in all browsers, as when a phone is lost; servers follow within seconds",
			done:  "Every browser of this person has to prove the phone number again.",
			do:    revokeSignIns,
		}),
		newCitizenAct(s, citizenAct{
			use:   "erase",
			short: "Erase every check-in that was made until now with a number, as its holder asks; lists that were made before stay",
			done:  "No new trace finds these check-ins.",
			do:    eraseScans,
		}),
	)
	return parent
}

// citizenAct is something that is done for the person of a number.
type citizenAct struct {
	use, short, done string
	do               func(ctx context.Context, o *app.Office, alias uuid.UUID, person registry.Person) error
}

// newCitizenAct makes the command of an act.
func newCitizenAct(s *settings, act citizenAct) *cobra.Command {
	var phone, card string
	cmd := &cobra.Command{
		Use:   act.use + " (--phone NUMBER | --id-card NUMBER)",
		Short: act.short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if (phone == "") == (card == "") {
				return usage(fmt.Errorf("%s needs either --phone or --id-card", act.use))
			}
			o, err := s.openOffice(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			alias, person, err := personOf(cmd.Context(), o, phone, card)
			if err != nil {
				return err
			}
			if err := act.do(cmd.Context(), o, alias, person); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), act.done)
			return err
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
func revokeSignIns(ctx context.Context, o *app.Office, _ uuid.UUID, person registry.Person) error {
	// Those issued in this second too: whoever signs in again may do so in the next.
	if err := o.Registry.RevokeCredentials(ctx, person.ID, o.Clock().Unix()+1); err != nil {
		return err
	}
	return o.Audit.Append(ctx, "system", "sign_ins_revoked", person.ID.String(), "")
}

// eraseScans erases what was scanned of an alias until now.
func eraseScans(ctx context.Context, o *app.Office, alias uuid.UUID, _ registry.Person) error {
	return citizen.NewErasures(o.Registry, o.Audit, o.Config.ListAge(), o.Clock).Erase(ctx, alias, "on the command line")
}
