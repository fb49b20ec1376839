package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const qrLong = `Make and check the signed codes that hang on walls. These commands work on
files alone, and revoked on the registry; no server is needed.

Times are unix seconds or RFC 3339. Exit codes: 0 done, 1 failed (for example a
file is missing), 2 wrong command line, 3 the code was refused.`

// newQRCmd returns the command "qr" with its subcommands.
func newQRCmd(s *settings) *cobra.Command {
	cmd := newQRCmdAt(time.Now)
	cmd.AddCommand(newQRRevokedCmd(s))
	return cmd
}

// newQRCmdAt is newQRCmd by the given clock, with the commands that work on files alone.
func newQRCmdAt(now func() time.Time) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "qr",
		Short: "Make and check signed codes, without a server",
		Long:  qrLong,
		Args:  cobra.ArbitraryArgs,
		RunE:  qrGroup,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	cmd.AddCommand(
		newQRKeygenCmd(now),
		newQRKeysCmd(now),
		newQRSignCmd(now),
		newQRVerifyCmd(now),
		newQRInspectCmd(),
		newQRImageCmd(),
		newQRPosterCmd(),
	)
	return cmd
}

// qrGroup is what a command does that only holds others.
func qrGroup(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%q has no command %q", cmd.CommandPath(), args[0]))
	}
	return cmd.Help()
}

// qrArgs asks for exactly n arguments.
func qrArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(fmt.Errorf("%q takes %d arguments, not %d", cmd.CommandPath(), n, len(args)))
		}
		return nil
	}
}

// qrNeed refuses a command line without one of the flags. Cobra's own required
// flags would not give the usage exit code.
func qrNeed(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := cmd.Flags().Lookup(name); f.Value.String() == "" || !f.Changed {
			return usage(fmt.Errorf("%q needs --%s", cmd.CommandPath(), name))
		}
	}
	return nil
}

// qrTime is a flag that holds an instant as unix seconds or RFC 3339.
type qrTime struct{ at time.Time }

func (t *qrTime) String() string {
	if t.at.IsZero() {
		return ""
	}
	return t.at.Format(time.RFC3339)
}

func (t *qrTime) Set(text string) error {
	seconds, err := parseInstant(text)
	if err != nil {
		return err
	}
	at := time.Unix(seconds, 0).UTC()
	if at.IsZero() {
		return errors.New("the first second of the year 1 is a flag that was not given")
	}
	t.at = at
	return nil
}

func (*qrTime) Type() string { return "time" }

// or returns the flag's instant, or the clock's if the flag was not given.
func (t *qrTime) or(now func() time.Time) time.Time {
	if t.at.IsZero() {
		return now()
	}
	return t.at
}

func newQRSignCmd(now func() time.Time) *cobra.Command {
	var keys, place, kind, base string
	var serial uint32
	var issued, expires qrTime
	cmd := &cobra.Command{
		Use:   "sign --keys FILE --place UUID --kind KIND",
		Short: "Sign a place's code and print its token, or with --base its URL",
		Args:  qrArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := qrNeed(cmd, "keys", "place", "kind"); err != nil {
				return err
			}
			id, err := uuid.Parse(place)
			if err != nil {
				return usage(fmt.Errorf("--place: %w", err))
			}
			k, err := qrgen.ParseKind(kind)
			if err != nil {
				return usage(fmt.Errorf("--kind: %w (known: %s)", err, qrKindNames()))
			}
			ks, err := qrgen.ReadKeyFile(keys)
			if err != nil {
				return err
			}
			text, err := ks.Sign(qrgen.Token{Kind: k, Place: id, IssuedAt: issued.or(now), ExpiresAt: expires.at, Serial: serial})
			if errors.Is(err, qrgen.ErrNoSigningKey) {
				return err
			}
			if err != nil { // the times do not fit together
				return usage(err)
			}
			if base != "" {
				if text, err = qrgen.URL(base, text); err != nil {
					return usage(err)
				}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&keys, "keys", "", "private key file")
	flags.StringVar(&place, "place", "", "the place's id")
	flags.StringVar(&kind, "kind", "", "kind of place: "+qrKindNames())
	flags.Uint32Var(&serial, "serial", 1, "serial, one more for each re-issue")
	flags.Var(&issued, "issued", "when the code was issued (default now)")
	flags.Var(&expires, "expires", "when the code stops being good (default never)")
	flags.StringVar(&base, "base", "", "base URL; prints the code's URL instead of its token")
	return cmd
}

func qrKindNames() string {
	var names []string
	for _, k := range qrgen.Kinds() {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

func newQRInspectCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect TOKEN|URL",
		Short: "Print what a code says, without checking who signed it",
		Args:  qrArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := qrgen.FromURL(args[0])
			if err != nil {
				return &ExitError{Code: ExitRefused, Err: err}
			}
			u, err := qrgen.Parse(text)
			if err != nil {
				return &ExitError{Code: ExitRefused, Err: err}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), "not verified\n"+qrFields(u.Token))
			return err
		},
	}
}

// qrFields lists what a token says, one field to a line.
func qrFields(t qrgen.Token) string {
	expires := "never"
	if !t.ExpiresAt.IsZero() {
		expires = t.ExpiresAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("kind: %s\nplace: %s\nserial: %d\nissued: %s\nexpires: %s\nkey: %d\n",
		t.Kind, t.Place, t.Serial, t.IssuedAt.Format(time.RFC3339), expires, t.KeyID)
}

func newQRImageCmd() *cobra.Command {
	var out string
	var o poster.Options
	cmd := &cobra.Command{
		Use:   "image --out FILE.png|FILE.svg TEXT",
		Short: "Draw the QR symbol of a code's URL, or of any text",
		Args:  qrArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := qrNeed(cmd, "out"); err != nil {
				return err
			}
			draw := poster.PNG
			switch strings.ToLower(filepath.Ext(out)) {
			case ".png":
			case ".svg":
				draw = poster.SVG
			default:
				return usage(errors.New("--out must end in .png or .svg"))
			}
			var image bytes.Buffer
			if err := draw(&image, args[0], o); err != nil {
				return usage(err)
			}
			if err := os.WriteFile(out, image.Bytes(), 0o644); err != nil {
				return fmt.Errorf("writing the image: %w", err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "file to write, replaced if it is there")
	flags.IntVar(&o.Scale, "scale", poster.DefaultScale, "pixels per module")
	flags.StringVar(&o.Title, "title", "", "what a screen reader says for an SVG")
	return cmd
}
