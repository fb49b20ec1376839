package desk

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
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// registerAudit adds the auditor's pages.
func (p *Pages) registerAudit(r gin.IRouter) {
	page.Serve(r, "", p.showAudit)
	page.Serve(r, "/entries.csv", p.serveAudit)
	page.Serve(r, "/head.json", p.serveHead)
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

func (p *Pages) showAudit(c *gin.Context) {
	ctx := c.Request.Context()
	before, err := strconv.ParseInt(c.Query("before"), 10, 64)
	if err != nil || before < 1 {
		before = 0
	}
	words := p.Texts(c)
	body := auditPage{Filter: readLedgerFilter(c.Request.URL.Query()), Actions: words.Names("action.")}
	if what := body.Filter.What; what != "" && !slices.Contains(body.Actions, what) {
		body.Actions = append(body.Actions, what)
	}
	slices.SortFunc(body.Actions, func(a, b string) int { return strings.Compare(page.Fold(words.Action(a)), page.Fold(words.Action(b))) })
	body.First = before == 0 && !body.Filter.Active()
	if body.Entries, err = p.Audit.Find(ctx, body.Filter.entries(p.Location), before, entriesPerPage+1); err != nil {
		p.Fail(c, err)
		return
	}
	if len(body.Entries) > entriesPerPage {
		body.Entries = body.Entries[:entriesPerPage]
		body.Older = body.Entries[entriesPerPage-1].Seq
	}
	if body.First {
		p.judgeLog(c, &body)
	}
	p.Show(c, http.StatusOK, "audit", body)
}

// judgeLog says on the first page whether the chain holds, and what the auditor is warned of.
func (p *Pages) judgeLog(c *gin.Context, body *auditPage) {
	checked, err := p.Audit.Check(c.Request.Context())
	body.Checked = int(checked)
	if err != nil {
		p.LogFault(c, fmt.Errorf("verifying the audit log: %w", err))
		body.Broken = true
	}
	since := registry.AuditFilter{Action: repeatedLookups, From: p.Clock().Add(-alertsFor).Unix()}
	alerts, err := p.Audit.Find(c.Request.Context(), since, 0, audit.MostEntries)
	if err != nil {
		p.LogFault(c, fmt.Errorf("looking for warnings: %w", err))
	}
	body.Alerts = len(alerts)
}

// serveAudit streams the entries that a filter takes. As with lists, a failure after the first byte cuts the connection.
func (p *Pages) serveAudit(c *gin.Context) {
	out := page.NewDownload(c, "truyvet-audit.csv")
	err := p.Audit.WriteCSV(c.Request.Context(), audit.Export{
		Filter: readLedgerFilter(c.Request.URL.Query()).entries(p.Location), By: page.Actor(c).Login, Location: p.Location,
	}, out)
	switch {
	case err != nil && !out.Begun():
		p.Fail(c, fmt.Errorf("writing the audit log: %w", err))
	case err != nil:
		p.LogFault(c, err)
		panic(http.ErrAbortHandler)
	}
}

// serveHead gives the signed end of the log, for an auditor to keep.
func (p *Pages) serveHead(c *gin.Context) {
	ctx := c.Request.Context()
	head, err := p.Audit.Sign(ctx)
	if errors.Is(err, audit.ErrEmpty) {
		err = registry.ErrNotFound
	}
	if err == nil {
		err = p.Audit.Append(ctx, page.Actor(c).Login, "head_exported", "audit", fmt.Sprintf("entry %d", head.Seq))
	}
	if err != nil {
		p.Fail(c, fmt.Errorf("signing the end of the audit log: %w", err))
		return
	}
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="truyvet-audit-head-%d.json"`, head.Seq))
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/json", head.Text())
}
