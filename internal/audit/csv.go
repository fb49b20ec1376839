package audit

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sheet"
)

// Export is what somebody takes away of the log.
type Export struct {
	Filter   registry.AuditFilter
	By       string // the login of who takes it
	Location *time.Location
}

// WriteCSV writes the entries that the filter takes, the newest first, a block at a time, and first an entry that they were
// exported. Instants are RFC 3339, seals hex. Nothing in it begins like a formula. Nothing is written where the entry fails.
func (l *Log) WriteCSV(ctx context.Context, e Export, w io.Writer) error {
	if err := l.Append(ctx, e.By, "export", "audit", describe(e.Filter)); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{"number", "at", "who", "action", "subject", "detail", "seal"})
	for before := int64(0); ; {
		entries, err := l.Find(ctx, e.Filter, before, MostEntries)
		if err != nil {
			return err
		}
		for _, of := range entries {
			_ = out.Write([]string{
				strconv.FormatInt(of.Seq, 10), time.Unix(of.At, 0).In(e.Location).Format(time.RFC3339), sheet.Plain(of.Actor),
				sheet.Plain(of.Action), sheet.Plain(of.Subject), sheet.Plain(of.Detail), hex.EncodeToString(of.Seal),
			})
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return fmt.Errorf("writing the audit log: %w", err)
		}
		if len(entries) < MostEntries || entries[len(entries)-1].Seq <= 1 {
			return nil
		}
		before = entries[len(entries)-1].Seq
	}
}

// describe writes a filter for the entry of an export.
func describe(f registry.AuditFilter) string {
	var parts []string
	for _, exact := range []struct{ name, value string }{{"who", f.Actor}, {"what", f.Action}, {"subject", f.Subject}} {
		if exact.value != "" {
			parts = append(parts, exact.name+"="+exact.value)
		}
	}
	for _, at := range []struct {
		name string
		at   int64
	}{{"from", f.From}, {"to", f.To}} {
		if at.at != 0 {
			parts = append(parts, at.name+"="+time.Unix(at.at, 0).UTC().Format(time.RFC3339))
		}
	}
	if len(parts) == 0 {
		return "all of it"
	}
	return strings.Join(parts, ";")
}
