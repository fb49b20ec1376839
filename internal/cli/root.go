// Package cli is the commands of truyvet. Commands parse and print; what they do lives in the rooms they call.
package cli

import (
	"context"
	"io"

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
	s := &settings{env: env}
	root.AddCommand(
		newDemoCmd(s), newServeCmd(s), newWorkerCmd(s), newInitCmd(s), newMigrateCmd(s), newAccountCmd(s), newAreasCmd(s),
		newQRCmd(), newTraceCmd(), newStaysCmd(),
	)
	return root
}

// settings are the flags that the commands of a server share.
type settings struct {
	env    []string
	values map[string]*string
}

// flagNames gives each setting that has a flag its flag and its use.
var flagNames = []struct{ setting, flag, use string }{
	{"TRUYVET_CONFIG", "config", "file of KEY=VALUE lines"},
	{"TRUYVET_DATA", "data", "data folder (default data)"},
	{"TRUYVET_LISTEN", "listen", "address to answer on (default 127.0.0.1:8080)"},
	{"TRUYVET_BASE_URL", "base-url", "URL under which people reach this server (default http://LISTEN)"},
	{"TRUYVET_REDIS_URL", "redis", "redis://HOST:PORT/DB, for the cluster mode"},
	{"TRUYVET_CLICKHOUSE_URL", "clickhouse", "clickhouse://HOST:PORT/DATABASE, for the cluster mode"},
	{"TRUYVET_TRACE_SOURCE", "trace-source", "memory or clickhouse (default memory)"},
	{"TRUYVET_RETENTION_DAYS", "retention-days", "how long scans are kept (default 21)"},
	{"TRUYVET_LOG_LEVEL", "log-level", "debug, info, warn or error (default info)"},
}

// addFlags gives a command the flags of the settings.
func (s *settings) addFlags(cmd *cobra.Command) {
	if s.values == nil {
		s.values = make(map[string]*string)
	}
	for _, f := range flagNames {
		if s.values[f.setting] == nil {
			s.values[f.setting] = new(string)
		}
		cmd.Flags().StringVar(s.values[f.setting], f.flag, "", f.use)
	}
}

// load returns the configuration for a command that has the flags.
func (s *settings) load(ctx context.Context) (*config.Config, error) {
	overrides := make(config.Overrides)
	for setting, value := range s.values {
		overrides[setting] = *value
	}
	return config.Load(ctx, s.env, overrides)
}
