package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/qrgen"
)

func newQRVerifyCmd(now func() time.Time) *cobra.Command {
	var keys, revoked string
	var at qrTime
	cmd := &cobra.Command{
		Use:   "verify --keys FILE [--revoked FILE] TOKEN|URL",
		Short: "Say whether a code is good, and what it says",
		Long: `Say whether a code is good, and what it says. The first line is "good" or the
refusal's code: malformed, unknown_version, unknown_key, compromised_key,
bad_signature, issued_in_future, expired or revoked. What an authentic code says
follows. Exit code 3 means refused.

What is revoked is the server's to know. The list that it publishes, signed, at
/.well-known/truyvet-revoked.json, or that "truyvet qr revoked" writes, can be
given, and is named in the last line with its time. So can an own list as CSV
with the header place_id,serial: the codes of the place up to that serial are
dead.`,
		Args: qrArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := qrNeed(cmd, "keys"); err != nil {
				return err
			}
			ks, err := qrgen.ReadKeyFile(keys)
			if err != nil {
				return err
			}
			scanned := at.or(now)
			dead, about, err := readRevocations(revoked, ks, scanned)
			if err != nil {
				return err
			}
			err = qrVerify(cmd.OutOrStdout(), args[0], func(text string) (qrgen.Token, error) {
				return ks.Verify(text, scanned, dead)
			})
			_, writeErr := io.WriteString(cmd.OutOrStdout(), about)
			return errors.Join(err, writeErr)
		},
	}
	cmd.Flags().StringVar(&keys, "keys", "", "key file, private or public")
	cmd.Flags().StringVar(&revoked, "revoked", "", "list of revoked serials")
	cmd.Flags().Var(&at, "at", "time of the scan (default now)")
	return cmd
}

// qrVerify writes how verify judges what was scanned.
func qrVerify(w io.Writer, scanned string, verify func(text string) (qrgen.Token, error)) error {
	text, err := qrgen.FromURL(scanned)
	var token qrgen.Token
	if err == nil {
		token, err = verify(text)
	}
	var refusal qrgen.Refusal
	var out bytes.Buffer
	switch {
	case err == nil:
		out.WriteString("good\n" + qrFields(token))
	case errors.As(err, &refusal):
		out.WriteString(refusal.Code() + "\n")
		if refusal.Authentic() {
			out.WriteString(qrFields(token))
		}
		err = &ExitError{Code: ExitRefused, Err: err}
	}
	if _, writeErr := w.Write(out.Bytes()); writeErr != nil {
		return writeErr
	}
	return err
}

// maxRevokedFile is beyond what a list of qrgen.MostRevoked steps takes.
const maxRevokedFile = 64 << 20

// readRevocations reads a list of revoked codes, signed or as CSV, for scans of that time. About is what there is to say of a signed
// one. Without a file nothing is revoked.
func readRevocations(file string, keys *qrgen.KeySet, at time.Time) (dead qrgen.Revocations, about string, err error) {
	if file == "" {
		return nil, "", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	start := make([]byte, 1)
	if _, err := f.ReadAt(start, 0); err != nil || start[0] != '{' {
		dead, err := readRevokedCSV(file)
		return dead, "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRevokedFile))
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", file, err)
	}
	list, err := keys.ReadRevoked(data)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	return list.At(at), "revocations: " + list.AsOf.Format(time.RFC3339) + "\n", nil
}

// readRevokedCSV reads a list of serials up to which the codes of places are dead.
func readRevokedCSV(file string) (qrgen.Revocations, error) {
	dead := make(map[uuid.UUID]uint32)
	err := readCSV(file, []string{"place_id", "serial"}, func(t *csvTable) error {
		place, err := uuid.Parse(t.field("place_id"))
		if err != nil {
			return t.fault("place_id", err)
		}
		serial, err := strconv.ParseUint(t.field("serial"), 10, 32)
		if err != nil {
			return t.fault("serial", errors.New("no number of a code"))
		}
		dead[place] = max(dead[place], uint32(serial))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func(place uuid.UUID, serial uint32) bool {
		last, revoked := dead[place]
		return revoked && serial <= last
	}, nil
}

func newQRRevokedCmd(s *settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "revoked [--out FILE]",
		Short: "Write the signed list of revoked codes that verify takes, from the registry",
		Long: `Write the list of the codes that owners took back or replaced, signed with the current key of the codes: the one that a server
publishes at /.well-known/truyvet-revoked.json. Verify takes it (--revoked), and so does who checks codes with no network. A server
may be running.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withOffice(cmd, func(o *app.Office) error {
				known, err := o.Places(cmd.Context())
				if err != nil {
					return err
				}
				list, err := known.RevokedFile()
				if err != nil {
					return err
				}
				if out == "" {
					_, err = cmd.OutOrStdout().Write(list.Data)
					return err
				}
				if err := replaceFile(out, list.Data); err != nil {
					return fmt.Errorf("writing the list: %w", err)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write, replaced at once if it is there (default: print it)")
	s.addFlags(cmd)
	return cmd
}

// replaceFile writes a file that everybody may read, in place of the one that is there.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".truyvet-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
