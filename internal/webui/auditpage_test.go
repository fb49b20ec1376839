package webui_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/audit"
)

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
