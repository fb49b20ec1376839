package cli

import (
	"encoding/base64"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/qrgen"
)

func newQRKeygenCmd(now func() time.Time) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen --out FILE",
		Short: "Make a private key file with a first signing key",
		Long: `Make a private key file with a first signing key. The file is readable by its
owner only and an existing one is never replaced.`,
		Args: qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "out"); err != nil {
				return err
			}
			ks := qrgen.NewKeySet()
			key, err := ks.Create(now())
			if err != nil {
				return err
			}
			if err := ks.CreateFile(out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "key %d is current\n", key.ID)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to create")
	return cmd
}

func newQRKeysCmd(now func() time.Time) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List the keys of a key file, or change their states",
		Args:  cobra.ArbitraryArgs,
		RunE:  qrGroup,
	}
	cmd.AddCommand(
		newQRKeysReadCmd("list", "List the keys and their states", qrListKeys),
		newQRKeysReadCmd("public", "Print the public form, as a server publishes it", qrPublicKeys),
		newQRKeysRotateCmd(now),
		newQRKeysChangeCmd("retire", "Keep a key from signing; its codes stay good", (*qrgen.KeySet).Retire),
		newQRKeysChangeCmd("compromise", "Withdraw trust from a key: all its codes are refused, for good", (*qrgen.KeySet).Compromise),
	)
	return cmd
}

// newQRKeysReadCmd returns a command that prints something of a key file.
func newQRKeysReadCmd(name, short string, print func(*cobra.Command, *qrgen.KeySet) error) *cobra.Command {
	var keys string
	cmd := &cobra.Command{
		Use:   name + " --keys FILE",
		Short: short,
		Args:  qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "keys"); err != nil {
				return err
			}
			ks, err := qrgen.ReadKeyFile(keys)
			if err != nil {
				return err
			}
			return print(cmd, ks)
		},
	}
	cmd.Flags().StringVar(&keys, "keys", "", "key file, private or public")
	return cmd
}

func qrListKeys(cmd *cobra.Command, ks *qrgen.KeySet) error {
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(table, "ID\tSTATE\tCREATED\tPUBLIC KEY"); err != nil {
		return err
	}
	for _, k := range ks.List() {
		if _, err := fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", k.ID, k.State,
			k.CreatedAt.Format(time.RFC3339), base64.StdEncoding.EncodeToString(k.Public)); err != nil {
			return err
		}
	}
	return table.Flush()
}

func qrPublicKeys(cmd *cobra.Command, ks *qrgen.KeySet) error {
	data, err := ks.PublicJSON()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(data)
	return err
}

func newQRKeysRotateCmd(now func() time.Time) *cobra.Command {
	var keys string
	cmd := &cobra.Command{
		Use:   "rotate --keys FILE",
		Short: "Make a new signing key; the one before is retired and its codes stay good",
		Args:  qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "keys"); err != nil {
				return err
			}
			return qrChangeKeys(cmd, keys, func(ks *qrgen.KeySet) (uint16, error) {
				key, err := ks.Create(now())
				return key.ID, err
			})
		},
	}
	cmd.Flags().StringVar(&keys, "keys", "", "private key file")
	return cmd
}

func newQRKeysChangeCmd(name, short string, change func(*qrgen.KeySet, uint16) error) *cobra.Command {
	var keys string
	var id uint16
	cmd := &cobra.Command{
		Use:   name + " --keys FILE --id N",
		Short: short,
		Args:  qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "keys", "id"); err != nil {
				return err
			}
			return qrChangeKeys(cmd, keys, func(ks *qrgen.KeySet) (uint16, error) {
				return id, change(ks, id)
			})
		},
	}
	cmd.Flags().StringVar(&keys, "keys", "", "private key file")
	cmd.Flags().Uint16Var(&id, "id", 0, "id of the key")
	return cmd
}

// qrChangeKeys changes a key file and says what became of the key that the change
// names.
func qrChangeKeys(cmd *cobra.Command, path string, change func(*qrgen.KeySet) (uint16, error)) error {
	ks, err := qrgen.ReadKeyFile(path)
	if err != nil {
		return err
	}
	id, err := change(ks)
	if err != nil {
		return err
	}
	if err := ks.WriteFile(path); err != nil {
		return err
	}
	key, _ := ks.Key(id)
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "key %d is %s\n", key.ID, key.State)
	return err
}
