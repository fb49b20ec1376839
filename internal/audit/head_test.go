package audit_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
)

func sign(t testing.TB, log *audit.Log) audit.NamedHead {
	t.Helper()
	h, err := log.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return audit.NamedHead{Name: fmt.Sprint("head ", h.Seq), SignedHead: h}
}

func examine(t testing.TB, log *audit.Log, heads ...audit.NamedHead) audit.Report {
	t.Helper()
	report, err := log.Examine(t.Context(), heads...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestHeadsShowACut: what Verify cannot find, and heads can.
func TestHeadsShowACut(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		store, raw := database(t, e)
		log := open(t, store, key)
		write(t, log, 3)
		third := sign(t, log)
		write(t, log, 2)
		fifth := sign(t, log)
		write(t, log, 2)
		if report := examine(t, log, fifth, third); !report.Whole() || report.Heads != 2 || report.Entries != 7 || report.Last.Seq != 7 {
			t.Errorf("the log is examined as %+v", report)
		}
		tamper(t, raw, `DELETE FROM audit WHERE seq > 3`)
		if n, err := log.Verify(t.Context()); n != 3 || err != nil {
			t.Errorf("the log that was cut verifies as %d, %v", n, err)
		}
		if report := examine(t, log); !report.Whole() {
			t.Errorf("without a head the cut shows: %+v", report)
		}
		report := examine(t, log, third, fifth)
		if diff := cmp.Diff([]audit.Fault{{What: audit.Cut, Seq: 4, To: 5, By: "head 5"}}, report.Faults); diff != "" || report.Heads != 1 {
			t.Errorf("%d heads agree: %s", report.Heads, diff)
		}
		// It grows past where it was cut, with seals that fit.
		if err := log.Append(t.Context(), "city", "login", "", ""); err != nil {
			t.Fatal(err)
		}
		write(t, log, 2)
		if n, err := log.Verify(t.Context()); n != 6 || err != nil {
			t.Errorf("the log that was written anew verifies as %d, %v", n, err)
		}
		report = examine(t, log, fifth, third)
		want := []audit.Fault{{What: audit.Rewritten, Seq: 5, To: 5, By: "head 5"}}
		if diff := cmp.Diff(want, report.Faults); diff != "" || report.Heads != 1 {
			t.Errorf("%d heads agree: %s", report.Heads, diff)
		}
		for _, f := range report.Faults {
			if !strings.Contains(f.Error(), "head 5") || !strings.Contains(f.Error(), "entry 5") {
				t.Errorf("the fault is told as %q", f.Error())
			}
		}
	})
}

// TestManyFaultsAreBounded takes every other one of many entries out.
func TestManyFaultsAreBounded(t *testing.T) {
	store, raw := database(t, sqlstoretest.SQLite)
	log := open(t, store, key)
	write(t, log, 500)
	tamper(t, raw, `DELETE FROM audit WHERE seq % 2 = 0`)
	if report := examine(t, log); len(report.Faults) != 100 || report.More != 149 || report.Entries != 250 {
		t.Errorf("%d faults and %d more, %d entries", len(report.Faults), report.More, report.Entries)
	}
}

func TestHeadsInFiles(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	log, err := audit.New(store, key, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	own, shared := filepath.Join(t.TempDir(), "heads"), filepath.Join(t.TempDir(), "a [shared] folder*")
	export := func(want bool) {
		t.Helper()
		if wrote, err := log.ExportHead(t.Context(), own, shared); wrote != want || err != nil {
			t.Fatalf("exported: %v, %v; want %v", wrote, err, want)
		}
	}
	export(false) // of an empty log there is no head
	write(t, log, 3)
	export(true)
	export(false)
	now = now.Add(time.Hour)
	export(true)
	if err := os.Remove(filepath.Join(shared, "audit-head-2026-11-22.json")); err != nil {
		t.Fatal(err)
	}
	heads, refused, err := log.ReadHeads(own)
	if err != nil || len(heads) != 2 || len(refused) > 0 || heads[0].Seq != 3 || heads[1].Seq != 4 {
		t.Errorf("the heads are %+v, %v, %v", heads, refused, err)
	}
	of, _, err := log.ReadHeads(shared)
	if err != nil || len(of) != 1 || of[0].At != now.Unix() {
		t.Errorf("the heads of the other folder are %+v, %v", of, err)
	}
	if report := examine(t, log, append(heads, of...)...); !report.Whole() || report.Heads != 3 {
		t.Errorf("the log is examined as %+v", report)
	}
	last, err := log.Entries(t.Context(), 0, 1)
	if err != nil || last[0].Action != "head_exported" || last[0].Subject != "audit-head-2026-11-23" || last[0].Detail != "entry 4" {
		t.Errorf("the last entry is %+v, %v", last, err)
	}

	// What is no head of this log is named, and does not hide the others.
	foreign := sign(t, open(t, store, bytes.Repeat([]byte{9}, audit.KeySize)))
	for name, text := range map[string][]byte{"audit-head-a.json": []byte("{}"), "audit-head-b.json": foreign.Text(), "other.json": []byte("x")} {
		if err := os.WriteFile(filepath.Join(own, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	heads, refused, err = log.ReadHeads(own)
	if err != nil || len(heads) != 2 || len(refused) != 2 ||
		!errors.Is(refused[0], audit.ErrHeadDamaged) || !errors.Is(refused[1], audit.ErrHeadForeign) {
		t.Errorf("the heads are %+v, %v, %v", heads, refused, err)
	}
	if _, _, err := log.ReadHeads(filepath.Join(own, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there gives %v", err)
	}
}

// TestAFolderThatCannotBeWrittenKeepsNoOther.
func TestAFolderThatCannotBeWrittenKeepsNoOther(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
	log := open(t, store, key)
	write(t, log, 1)
	file, good := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote, err := log.ExportHead(t.Context(), filepath.Join(file, "heads"), good)
	if heads, _, _ := log.ReadHeads(good); !wrote || err == nil || len(heads) != 1 {
		t.Errorf("wrote %v, %v; heads %v", wrote, err, heads)
	}
}

// golden is a head as it stands in files: they are kept elsewhere for years.
const golden = `{
  "version": 1,
  "seq": 2,
  "seal": "954a7f23377064143c3cc3227d96fd79fcaf42414a9c0a02b1403281dfebf805",
  "at": "2021-11-22T16:53:20Z",
  "key": "cf2fe62d23a2a2f8f8b115cbb1961e2bc5a5e5e0a34249affae9cd6fcfedfb03",
  "signature": "d2fa22d420c7c11421a0d9c4d8cc1c6d6ec0045d09bfef49ab072137db3ebf25de6c1b598dec36dc076365cfa70d7332af766a9e2cc4de2a78723a77980dc30c"
}
`

func TestHeadsAreFrozen(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
	log := open(t, store, key)
	if err := log.Append(t.Context(), "city", "case_recorded", "id 1", "Đã ghi"); err != nil {
		t.Fatal(err)
	}
	write(t, log, 1)
	head := sign(t, log)
	if diff := cmp.Diff(golden, string(head.Text())); diff != "" {
		t.Error(diff)
	}
	read, err := audit.ParseHead([]byte(golden))
	if err != nil || log.Trusts(read) != nil {
		t.Errorf("what was written is read as %+v, %v", read, err)
	}
	if diff := cmp.Diff(head.SignedHead, read); diff != "" {
		t.Error(diff)
	}
}

// TestDamagedHeads changes every byte of a head: what is still read is not trusted, unless it says the same.
func TestDamagedHeads(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
	log := open(t, store, key)
	write(t, log, 1)
	head := sign(t, log)
	text := head.Text()
	for i := range text {
		for _, b := range []byte{text[i] ^ 1, ' ', '0'} {
			damaged := bytes.Clone(text)
			damaged[i] = b
			read, err := audit.ParseHead(damaged)
			if err == nil && log.Trusts(read) == nil && (read.Seq != head.Seq || read.At != head.At || !bytes.Equal(read.Seal, head.Seal)) {
				t.Fatalf("byte %d as %q is trusted: %s", i, b, damaged)
			}
		}
	}
	for _, bad := range [][]byte{nil, text[:len(text)/2], append(bytes.Clone(text), text...), bytes.Repeat([]byte(" "), 5000)} {
		if _, err := audit.ParseHead(bad); !errors.Is(err, audit.ErrHeadDamaged) {
			t.Errorf("%.20q is read: %v", bad, err)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(`{"version":1,"seq":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := audit.ParseHead(text)
		if err != nil {
			return
		}
		again, err := audit.ParseHead(h.Text())
		if err != nil || !cmp.Equal(h, again) {
			t.Fatalf("%+v comes back as %+v, %v", h, again, err)
		}
	})
}

func TestFindAndCSV(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		store, _ := database(t, e)
		now := clock()
		log, err := audit.New(store, key, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range [][3]string{{"an", "run", "r1"}, {"bo", "run", "r2"}, {"an", "list_read", "r1"}, {"an", "run", "=1+1"}} {
			if err := log.Append(t.Context(), of[0], of[1], of[2], ""); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
		at := clock().Unix()
		for _, test := range []struct {
			filter registry.AuditFilter
			want   string
		}{
			{registry.AuditFilter{}, "[4 3 2 1]"},
			{registry.AuditFilter{Actor: "an"}, "[4 3 1]"},
			{registry.AuditFilter{Actor: "an", Action: "run"}, "[4 1]"},
			{registry.AuditFilter{Subject: "r1"}, "[3 1]"},
			{registry.AuditFilter{From: at + 60}, "[4 3 2]"},
			{registry.AuditFilter{From: at + 60, To: at + 180, Action: "run"}, "[2]"},
			{registry.AuditFilter{Actor: "'; DROP TABLE audit; --"}, "[]"},
		} {
			entries, err := log.Find(t.Context(), test.filter, 0, 10)
			seqs := []int64{}
			for _, of := range entries {
				seqs = append(seqs, of.Seq)
			}
			if got := fmt.Sprint(seqs); err != nil || got != test.want {
				t.Errorf("%+v finds %s, %v; want %s", test.filter, got, err, test.want)
			}
		}
		if page, err := log.Find(t.Context(), registry.AuditFilter{Actor: "an"}, 4, 1); err != nil || len(page) != 1 || page[0].Seq != 3 {
			t.Errorf("the next page is %+v, %v", page, err)
		}

		var file bytes.Buffer
		err = log.WriteCSV(t.Context(), audit.Export{Filter: registry.AuditFilter{Actor: "an"}, By: "kim", Location: time.UTC}, &file)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&file).ReadAll()
		if err != nil || len(lines) != 4 || lines[1][0] != "4" || lines[1][4] != "'=1+1" || lines[3][1] != "2021-11-22T16:53:20Z" {
			t.Errorf("the file is %q, %v", lines, err)
		}
		if last, err := log.Find(t.Context(), registry.AuditFilter{Actor: "kim"}, 0, 2); err != nil || len(last) != 1 || last[0].Detail != "who=an" {
			t.Errorf("the export is entered as %+v, %v", last, err)
		}
	})
}

func TestLongExports(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
	log := open(t, store, key)
	write(t, log, audit.MostEntries+5)
	var file bytes.Buffer
	if err := log.WriteCSV(t.Context(), audit.Export{By: "kim", Location: time.UTC}, &file); err != nil {
		t.Fatal(err)
	}
	// The header, the entries, and the entry of the export itself.
	if n := strings.Count(file.String(), "\n"); n != audit.MostEntries+7 {
		t.Errorf("the file has %d lines", n)
	}
}
