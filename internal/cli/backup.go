package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
)

func newBackupCmd(s *settings) *cobra.Command {
	var out string
	var withoutKeys bool
	cmd := &cobra.Command{
		Use:   "backup --out FILE",
		Short: "Write the registry and the keys to one new file, while servers run; scans are not in it",
		Long: "Write the registry and the keys to one new file, while servers run; scans are not in it. Whoever has the file and the\n" +
			"keys in it can find out who people are: keep it as you keep the keys, or leave these out and keep them elsewhere. The\n" +
			"file is to be destroyed when retention has dropped, here, what it may hold.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage(errors.New("backup needs --out FILE"))
			}
			return s.withOffice(cmd, func(o *app.Office) error {
				m, err := o.Backup(cmd.Context(), out, !withoutKeys)
				if err != nil {
					return err
				}
				location, err := o.Config.Location()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is written. Destroy it on %s: retention has dropped by then what it may hold.\n",
					out, time.Unix(m.DestroyBy, 0).In(location).Format("2006-01-02"))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the new file")
	cmd.Flags().BoolVar(&withoutKeys, "without-keys", false, "leave the keys out")
	s.addFlags(cmd)
	return cmd
}

func newRestoreCmd(s *settings) *cobra.Command {
	var from string
	var expired bool
	cmd := &cobra.Command{
		Use:   "restore --from FILE",
		Short: "Put a backup in place, where there are no records yet and no server runs; into PostgreSQL or SQLite, whichever is set",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				return usage(errors.New("restore needs --from FILE"))
			}
			cfg, err := s.load(cmd.Context())
			if err != nil {
				return err
			}
			m, err := app.Restore(cmd.Context(), cfg, from, time.Now, expired)
			if errors.Is(err, app.ErrExpired) {
				return fmt.Errorf("%w; --expired restores it all the same, and what retention has ended goes at its next run", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The backup of %s is in place.\n", time.Unix(m.Made, 0).UTC().Format(time.RFC3339))
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the file that backup has written")
	cmd.Flags().BoolVar(&expired, "expired", false, "restore a backup that should have been destroyed")
	s.addFlags(cmd)
	return cmd
}
