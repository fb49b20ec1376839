package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newSealCmd(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Make finished stays of the stored scans at once, for traces that read ClickHouse",
		Long: "Make finished stays of the stored scans at once, for traces that read ClickHouse itself. A server does so every two\n" +
			"minutes; this is for the first time, which takes minutes for a city, and for after an import.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			p, err := open(cmd, s.load)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, p.Close()) }()
			people, days, err := p.Seal(cmd.Context(), func(done, total int) {
				fmt.Fprintf(cmd.ErrOrStderr(), "derived the stays of %d of %d people\n", done, total)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d people had changed; %d days were written anew\n", people, days)
			return err
		},
	}
	s.addFlags(cmd)
	return cmd
}
