// Package cli is the commands of truyvet. Commands parse and print; what they do lives in the rooms they call.
package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/config"
)

// Run runs the command that args name and returns when it is done or ctx has ended. An error is not printed yet; an
// *ExitError in it says with which code to exit.
func Run(ctx context.Context, args, env []string, stdout, stderr io.Writer) error {
	root := newRootCmd(env)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

func newRootCmd(env []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "truyvet",
		Short: "QR check-in for places, and contact tracing from the scans",
		Long: `truyvet signs the QR codes of places, takes in scans, and traces confirmed cases to their contacts.

Settings come from a file of KEY=VALUE lines (--config), the environment (TRUYVET_...) and flags, in this order of
growing weight. Without a Redis and a ClickHouse URL everything is kept in SQLite files in the data folder.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	s := &settings{env: env, values: make(map[string]*string)}
	root.AddCommand(
		newDemoCmd(s), newServeCmd(s), newWorkerCmd(s), newInitCmd(s), newMigrateCmd(s), newAccountCmd(s), newAreasCmd(s), newPlacesCmd(s),
		newBackupCmd(s), newRestoreCmd(s), newCitizenCmd(s), newKeysCmd(s),
		newStatusCmd(s), newDeadLetterCmd(s), newLoadgenCmd(s), newSealCmd(s), newAuditCmd(s), newRetentionCmd(s),
		newQRCmd(s), newTraceCmd(), newStaysCmd(),
	)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &ExitError{Code: ExitUsage, Err: err} })
	refuseUnknown(root)
	return root
}

// refuseUnknown makes a misspelt command, or one argument too many, a fault of usage. Cobra answers some of them with help
// and success, after which a script goes on as if all were well.
func refuseUnknown(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &ExitError{Code: ExitUsage, Err: err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		refuseUnknown(sub)
	}
}

// settings are the settings of a server as its commands are given them.
type settings struct {
	env    []string
	values map[string]*string // of the flags, by the name of the setting
}

// addFlags gives a command the flags of the settings, and explains in its help those that have none.
func (s *settings) addFlags(cmd *cobra.Command) {
	var rest strings.Builder
	for _, setting := range config.Settings() {
		if setting.Flag == "" {
			fmt.Fprintf(&rest, "  %-24s %s\n", setting.Name, setting.Use)
			continue
		}
		if s.values[setting.Name] == nil {
			s.values[setting.Name] = new(string)
		}
		cmd.Flags().StringVar(s.values[setting.Name], setting.Flag, "", setting.Use+" ["+setting.Name+"]")
	}
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	cmd.Long = long + "\n\nSettings without a flag, from the environment or the --config file:\n" + strings.TrimRight(rest.String(), "\n")
}

// load returns the configuration for a command that has the flags.
func (s *settings) load(ctx context.Context) (*config.Config, error) {
	overrides := make(config.Overrides)
	for setting, value := range s.values {
		overrides[setting] = *value
	}
	return config.Load(ctx, s.env, overrides)
}
