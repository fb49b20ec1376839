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
	var phone, card string
	revoke := &cobra.Command{
		Use:   "revoke (--phone NUMBER | --id-card NUMBER)",
		Short: "End a person's sign-ins in all browsers, as when a phone is lost; servers follow within seconds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if (phone == "") == (card == "") {
				return usage(errors.New("revoke needs either --phone or --id-card"))
			}
			o, err := s.openOffice(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			if err := revokeSignIns(cmd.Context(), o, phone, card); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "Every browser of this person has to prove the phone number again.")
			return err
		},
	}
	revoke.Flags().StringVar(&phone, "phone", "", "the person's phone number")
	revoke.Flags().StringVar(&card, "id-card", "", "the number of the person's ID card, 12 digits")
	s.addFlags(revoke)
	parent.AddCommand(revoke)
	return parent
}

// revokeSignIns ends the credentials that were issued until now to the person whom a phone number or, where that is empty, the
// number of an ID card stands for. No error holds the number.
func revokeSignIns(ctx context.Context, o *app.Office, phone, card string) error {
	pseudonyms, err := citizen.NewPseudonyms(o.Secrets.Pseudonym)
	if err != nil {
		return err
	}
	var alias uuid.UUID
	if phone != "" {
		alias, err = pseudonyms.Phone(phone)
	} else {
		alias, err = pseudonyms.IDCard(card)
	}
	if err != nil {
		return usage(err)
	}
	person, err := o.Registry.PersonByAlias(ctx, alias)
	if errors.Is(err, registry.ErrNotFound) {
		return errors.New("nobody is registered under this number")
	}
	if err != nil {
		return err
	}
	// Those issued in this second too: whoever signs in again may do so in the next.
	if err := o.Registry.RevokeCredentials(ctx, person.ID, o.Clock().Unix()+1); err != nil {
		return err
	}
	return o.Audit.Append(ctx, "system", "sign_ins_revoked", person.ID.String(), "")
}
