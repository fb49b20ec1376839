package webui_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"github.com/truyvet/truyvet/internal/audit"
)

func TestAudit(t *testing.T) {
	s := newSite(t, nil)
	for range 120 {
		must(t, s.ledger.Append(t.Context(), "city", "list_read", uuid.NewString(), "a <detail>"))
	}
	b := s.staff("auditor")
	p := b.get("/audit")
	p.wants(http.StatusOK, "Nhật ký nguyên vẹn", "121 dòng", "list_read", "a <detail>", "Các dòng cũ hơn")
	older := p.all(func(n *html.Node) bool { return attr(n, "rel") == "next" })
	if len(older) != 1 {
		t.Fatalf("%d links to older entries", len(older))
	}
	rows := func(p answer) int {
		return len(p.all(func(n *html.Node) bool { return n.Data == "tr" && n.Parent.Data == "tbody" }))
	}
	last := b.get(attr(older[0], "href"))
	if rows(p) != 100 || rows(last) != 21 || strings.Contains(last.text(), "Các dòng cũ hơn") {
		t.Errorf("%d and %d rows", rows(p), rows(last))
	}
	for query, want := range map[string]int{
		"?what=list_read": 100, "?who=auditor": 1, "?who=auditor&what=list_read": 0, "?from=2026-11-21": 100, "?from=2026-11-22": 0,
		"?to=2026-11-20": 0, "?from=nonsense&who=auditor": 1, "?subject=%00": 0,
	} {
		if found := b.get("/audit" + query); rows(found) != want {
			t.Errorf("%s has %d rows, want %d: %s", query, rows(found), want, found.text())
		}
	}
	filtered := b.get("/audit?what=list_read&who=city")
	open := func(p answer) int {
		return len(p.all(func(n *html.Node) bool { return n.Data == "details" && hasAttr(n, "open") }))
	}
	if open(p) != 0 || open(filtered) != 1 {
		t.Errorf("the filter is open %d times without, and %d times in use", open(p), open(filtered))
	}
	next := filtered.all(func(n *html.Node) bool { return attr(n, "rel") == "next" })
	if left := b.get(attr(next[0], "href")); rows(left) != 20 {
		t.Errorf("the next page of a filter has %d rows", rows(left))
	}
	for _, before := range []string{"x", "-1", "0", "99999999999999999999"} {
		b.get("/audit?before="+before).wants(http.StatusOK, "Nhật ký nguyên vẹn")
	}
}

func TestAuditFiles(t *testing.T) {
	s := newSite(t, nil)
	b := s.staff("auditor")
	must(t, s.ledger.Append(t.Context(), "=cmd", "login", "", ""))
	p := b.get("/audit/entries.csv?who=%3Dcmd")
	if p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%d %v", p.status, p.header)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.body, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][2] != "'=cmd" || lines[1][1] != "2026-11-21T07:40:00+07:00" {
		t.Errorf("the file is %q, %v", lines, err)
	}
	p = b.get("/audit/head.json")
	head, err := audit.ParseHead([]byte(p.body))
	if err != nil || s.ledger.Trusts(head) != nil || head.Seq != 3 {
		t.Errorf("the head is %+v, %v", head, err)
	}
	entries, err := s.ledger.Entries(t.Context(), 0, 2)
	must(t, err)
	if entries[0].Action != "head_exported" || entries[1].Action != "export" || entries[1].Actor != "auditor" || entries[1].Detail != "who==cmd" {
		t.Errorf("the log ends with %+v", entries)
	}
	for _, login := range []string{"city", "admin", "owner"} {
		other := s.staff(login)
		for _, path := range []string{"/audit", "/audit/entries.csv", "/audit/head.json"} {
			other.get(path).wants(http.StatusForbidden)
		}
	}
}

// TestAuditorsAreWarned of somebody who is looked up again and again, for a week.
func TestAuditorsAreWarned(t *testing.T) {
	s := newSite(t, nil)
	must(t, s.ledger.Append(t.Context(), "system", "repeated_lookups", "somebody", "openings=11"))
	b := s.staff("auditor")
	b.get("/audit").wants(http.StatusOK, "1 cảnh báo trong 7 ngày qua")
	s.advance(8 * 24 * time.Hour)
	b = s.staff("auditor")
	if p := b.get("/audit"); strings.Contains(p.text(), "cảnh báo trong 7 ngày") {
		t.Error("it is warned of after a week")
	}
}
