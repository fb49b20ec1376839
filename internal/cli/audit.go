package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/audit"
)

// newAuditCmd makes the commands about the audit log.
func newAuditCmd(s *settings) *cobra.Command {
	parent := &cobra.Command{Use: "audit", Short: "Prove the audit log", Args: cobra.NoArgs}
	parent.AddCommand(newAuditVerifyCmd(s), newAuditHeadCmd(s))
	return parent
}

func newAuditVerifyCmd(s *settings) *cobra.Command {
	var heads []string
	cmd := &cobra.Command{
		Use:   "verify [--head FILE]...",
		Short: "Look for entries that were changed, moved, taken out or cut off",
		Long: `Reads the whole audit log and says which entries are not what was written at their places, and which are missing; a server may
be running. That the log was not cut off at its end, or written anew by somebody with its key, is held against every signed
head in DATA/audit-heads and TRUYVET_AUDIT_HEADS, and those given with --head, each a file or a folder. A head that was kept
on another machine proves the most.

It exits with 0 when nothing is wrong, 3 when something is, and 1 when the log or a head could not be read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				known, refused, err := readHeads(o, heads)
				if err != nil {
					return err
				}
				report, err := o.Audit.Examine(cmd.Context(), known...)
				if err != nil {
					return err
				}
				return printReport(cmd.OutOrStdout(), &report, refused)
			})
		},
	}
	cmd.Flags().StringArrayVar(&heads, "head", nil, "file of a signed head, or folder of such files; may be repeated")
	s.addFlags(cmd)
	return cmd
}

// readHeads reads the heads that are kept and those that were named. What was named must be there.
func readHeads(o *app.Office, named []string) (heads []audit.NamedHead, refused []error, err error) {
	for _, folder := range o.Config.HeadDirs() {
		of, bad, err := o.Audit.ReadHeads(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		heads, refused = append(heads, of...), append(refused, bad...)
	}
	for _, path := range named {
		of, bad, err := o.Audit.ReadHeads(path)
		if err != nil {
			return nil, nil, err
		}
		heads, refused = append(heads, of...), append(refused, bad...)
	}
	return heads, refused, nil
}

// errNotWhole says that something is wrong with the audit log.
var errNotWhole = errors.New("the audit log is not what was written")

func printReport(out io.Writer, r *audit.Report, refused []error) error {
	heads := "no head shows whether it was cut off"
	if r.Heads > 0 {
		heads = fmt.Sprintf("%d heads agree", r.Heads)
	}
	text := fmt.Sprintf("%d entries, the last is %d; %s\n", r.Entries, r.Last.Seq, heads)
	for i := range r.Faults {
		text += r.Faults[i].Error() + "\n"
	}
	if r.More > 0 {
		text += fmt.Sprintf("and %d more\n", r.More)
	}
	for _, bad := range refused {
		text += bad.Error() + "\n"
	}
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if !r.Whole() || len(refused) > 0 {
		return &ExitError{Code: ExitRefused, Err: errNotWhole}
	}
	return nil
}

func newAuditHeadCmd(s *settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "head [--out FILE]",
		Short: "Print the signed end of the audit log, to be kept where nobody of this server can change it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				head, err := o.Audit.Sign(cmd.Context())
				if err != nil {
					return err
				}
				if out == "" {
					_, err = cmd.OutOrStdout().Write(head.Text())
					return err
				}
				if err := createFile(out, head.Text()); err != nil {
					return fmt.Errorf("writing the head: %w", err)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "entry %d of %s is in %s\n", head.Seq, time.Unix(head.At, 0).UTC().Format(time.RFC3339), out)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to create (default: print it)")
	s.addFlags(cmd)
	return cmd
}

// createFile writes a file that is not there yet, and that its owner alone can read.
func createFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
