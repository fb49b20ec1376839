package webui

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// registerAudit adds the auditor's pages.
func (u *UI) registerAudit(r gin.IRouter) {
	serve(r, "", u.showAudit)
	serve(r, "/entries.csv", u.serveAudit)
	serve(r, "/head.json", u.serveHead)
}

// The bounds of the page of the audit log.
const (
	entriesPerPage = 100
	alertsFor      = 7 * 24 * time.Hour // how long a warning stands on it
)

// repeatedLookups is the action of the entries that warn the auditor of somebody who is looked up again and again.
const repeatedLookups = "repeated_lookups"

// auditPage is a page of the audit log, newest first.
type auditPage struct {
	Entries []registry.AuditEntry
	Filter  ledgerFilter
	Actions []string // that have words of their own
	Older   int64    // the seq before which the next page begins; 0 = this is the last
	First   bool     // whether this is the first page of everything, which says whether the chain holds
	Checked int      // how many entries were verified
	Broken  bool
	Alerts  int // warnings of late
}

// ledgerFilter is which entries are shown, as it stands in the address of the page.
type ledgerFilter struct {
	Who, What, Subject string
	From, To           string // local days, 2006-01-02
}

// readLedgerFilter reads the filter of an address. What is no day counts as not said.
func readLedgerFilter(query url.Values) ledgerFilter {
	text := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	f := ledgerFilter{Who: text("who"), What: text("what"), Subject: text("subject"), From: text("from"), To: text("to")}
	for _, day := range []*string{&f.From, &f.To} {
		if _, err := tracing.ParseDate(*day); err != nil {
			*day = ""
		}
	}
	return f
}

// Active says whether anything is left out.
func (f ledgerFilter) Active() bool { return f != ledgerFilter{} }

// query writes the filter as an address has it.
func (f ledgerFilter) query(more ...string) string {
	q := url.Values{}
	for _, field := range [][2]string{{"who", f.Who}, {"what", f.What}, {"subject", f.Subject}, {"from", f.From}, {"to", f.To}} {
		if field[1] != "" {
			q.Set(field[0], field[1])
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Files is the end of the address of a file with the same entries; Before that of the page which goes on before an entry.
func (f ledgerFilter) Files() string { return f.query() }

func (f ledgerFilter) Before(seq int64) string  { return f.query("before", strconv.FormatInt(seq, 10)) }
func (f ledgerFilter) By(who string) string     { f.Who = who; return f.query() }
func (f ledgerFilter) Of(subject string) string { f.Subject = subject; return f.query() }
func (f ledgerFilter) Doing(what string) string { f.What = what; return f.query() }

// entries returns the filter as the log takes it.
func (f ledgerFilter) entries(location *time.Location) registry.AuditFilter {
	of := registry.AuditFilter{Actor: f.Who, Action: f.What, Subject: f.Subject}
	if day, err := tracing.ParseDate(f.From); err == nil {
		of.From = day.Start(location)
	}
	if day, err := tracing.ParseDate(f.To); err == nil {
		of.To = day.AddDays(1).Start(location)
	}
	return of
}

func (u *UI) showAudit(c *gin.Context) {
	ctx := c.Request.Context()
	before, err := strconv.ParseInt(c.Query("before"), 10, 64)
	if err != nil || before < 1 {
		before = 0
	}
	words := u.texts(c)
	page := auditPage{Filter: readLedgerFilter(c.Request.URL.Query()), Actions: words.names("action.")}
	if what := page.Filter.What; what != "" && !slices.Contains(page.Actions, what) {
		page.Actions = append(page.Actions, what)
	}
	slices.SortFunc(page.Actions, func(a, b string) int { return strings.Compare(fold(words.action(a)), fold(words.action(b))) })
	page.First = before == 0 && !page.Filter.Active()
	if page.Entries, err = u.Audit.Find(ctx, page.Filter.entries(u.Location), before, entriesPerPage+1); err != nil {
		u.Fail(c, err)
		return
	}
	if len(page.Entries) > entriesPerPage {
		page.Entries = page.Entries[:entriesPerPage]
		page.Older = page.Entries[entriesPerPage-1].Seq
	}
	if page.First {
		u.judgeLog(c, &page)
	}
	u.show(c, http.StatusOK, "audit", page)
}

// judgeLog says on the first page whether the chain holds, and what the auditor is warned of.
func (u *UI) judgeLog(c *gin.Context, page *auditPage) {
	checked, err := u.Audit.Check(c.Request.Context())
	page.Checked = int(checked)
	if err != nil {
		u.logFault(c, fmt.Errorf("verifying the audit log: %w", err))
		page.Broken = true
	}
	since := registry.AuditFilter{Action: repeatedLookups, From: u.Clock().Add(-alertsFor).Unix()}
	alerts, err := u.Audit.Find(c.Request.Context(), since, 0, audit.MostEntries)
	if err != nil {
		u.logFault(c, fmt.Errorf("looking for warnings: %w", err))
	}
	page.Alerts = len(alerts)
}

// serveAudit streams the entries that a filter takes. As with lists, a failure after the first byte cuts the connection.
func (u *UI) serveAudit(c *gin.Context) {
	out := &download{c: c, name: "truyvet-audit.csv"}
	err := u.Audit.WriteCSV(c.Request.Context(), audit.Export{
		Filter: readLedgerFilter(c.Request.URL.Query()).entries(u.Location), By: actor(c).Login, Location: u.Location,
	}, out)
	switch {
	case err != nil && !out.begun:
		u.Fail(c, fmt.Errorf("writing the audit log: %w", err))
	case err != nil:
		u.logFault(c, err)
		panic(http.ErrAbortHandler)
	}
}

// serveHead gives the signed end of the log, for an auditor to keep.
func (u *UI) serveHead(c *gin.Context) {
	ctx := c.Request.Context()
	head, err := u.Audit.Sign(ctx)
	if errors.Is(err, audit.ErrEmpty) {
		err = registry.ErrNotFound
	}
	if err == nil {
		err = u.Audit.Append(ctx, actor(c).Login, "head_exported", "audit", fmt.Sprintf("entry %d", head.Seq))
	}
	if err != nil {
		u.Fail(c, fmt.Errorf("signing the end of the audit log: %w", err))
		return
	}
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="truyvet-audit-head-%d.json"`, head.Seq))
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/json", head.Text())
}
