package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/qrgen/poster"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

func texts(t *testing.T, l Language) Catalogue {
	t.Helper()
	c, err := readCatalogue(l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLanguagesSayTheSameThings(t *testing.T) {
	vi, en := texts(t, vietnamese), texts(t, english)
	placeholder := regexp.MustCompile(`\{[a-z_]+[0-9]?\}`)
	for key, text := range vi.texts {
		translated, ok := en.texts[key]
		if !ok {
			t.Errorf("%s is not in English", key)
			continue
		}
		if strings.TrimSpace(text) == "" || strings.TrimSpace(translated) == "" {
			t.Errorf("%s is empty", key)
		}
		wanted, got := placeholder.FindAllString(text, -1), placeholder.FindAllString(translated, -1)
		slices.Sort(wanted)
		slices.Sort(got)
		if !slices.Equal(wanted, got) {
			t.Errorf("%s is filled with %v in Vietnamese and %v in English", key, wanted, got)
		}
	}
	for key := range en.texts {
		if !vi.has(key) {
			t.Errorf("%s is not in Vietnamese", key)
		}
	}
}

// composed returns the keys that are put together at run time, by the part that they begin with.
func composed(t *testing.T) map[string][]string {
	t.Helper()
	keys := map[string][]string{
		"stamp.":         {"in", "out", "renew"},
		"gate.":          {"in", "out"},
		"gate.declared_": {string(declaration.Missing), string(declaration.Done), string(declaration.Attention)},
		"certainty.":     {tracing.Confirmed.String(), tracing.Probable.String(), tracing.Possible.String()},
		"basis.":         {tracing.Checkout.String(), tracing.Moved.String(), tracing.Assumed.String()},
		"mine.ended.":    {tracing.Checkout.String(), tracing.Moved.String(), tracing.Assumed.String()},
		"action.":        texts(t, vietnamese).Names("action."), // whatever the audit log says without a text is shown as it is
		"scope.":         {tracing.ScopePart.String(), tracing.ScopePlace.String(), tracing.ScopeSite.String()},
		"sort.":          {"score", "first", "last", "encounters", "overlap", "certainty", "ward"},
		"own.":           {"overlap", "linger", "latency", "depth", "before", "crowd"},
		"profile.":       {cases.Own},
		"doubt.":         (^stay.Doubts(0)).Names(),
		"purpose.":       vault.Purposes(),
	}
	for _, field := range vault.Fields() {
		keys["detail."] = append(keys["detail."], string(field))
	}
	for _, k := range qrgen.Kinds() {
		keys["kind."] = append(keys["kind."], k.String())
	}
	for _, r := range account.Roles() {
		keys["role."] = append(keys["role."], string(r), string(r)+".may")
		for _, item := range navigationOf(r, "") {
			keys["nav."] = append(keys["nav."], item.Name)
		}
	}
	for _, p := range tracing.Profiles() {
		keys["profile."] = append(keys["profile."], p.Name, p.Name+".source")
	}
	for _, f := range printing.AllFiles() {
		keys["print.files."] = append(keys["print.files."], string(f))
	}
	keys["placefile.column."] = places.Columns()
	for _, state := range []places.State{
		places.Valid, places.Ending, places.Replaced, places.Revoked, places.Expired, places.Unlisted, places.PlaceGone,
	} {
		keys["code."] = append(keys["code."], string(state))
		keys["check."] = append(keys["check."], string(state), string(state)+".do")
	}
	for _, f := range poster.Formats() {
		keys["place.size."] = append(keys["place.size."], f.String())
	}
	for _, l := range []poster.Language{poster.Both, poster.Vietnamese, poster.English} {
		keys["place.lang."] = append(keys["place.lang."], l.String())
	}
	for kind := errs.Internal; kind <= errs.Unavailable; kind++ {
		for _, part := range []string{".title", ".safe", ".do"} {
			keys["problem."] = append(keys["problem."], kindName(kind)+part)
		}
	}
	for _, refusal := range []qrgen.Refusal{
		qrgen.ErrMalformed, qrgen.ErrUnknownVersion, qrgen.ErrUnknownKey, qrgen.ErrCompromisedKey, qrgen.ErrBadSignature,
		qrgen.ErrIssuedInFuture, qrgen.ErrExpired, qrgen.ErrRevoked,
	} {
		for _, part := range []string{"", ".title", ".do"} {
			keys["error.code_"] = append(keys["error.code_"], refusal.Code()+part)
		}
	}
	return keys
}

func TestEveryTextIsThereAndUsed(t *testing.T) {
	vi := texts(t, vietnamese)
	used := make(map[string]bool)
	parts := composed(t)
	for prefix, rest := range parts {
		for _, r := range rest {
			used[prefix+r] = true
			if !vi.has(prefix + r) {
				t.Errorf("there is no text %s", prefix+r)
			}
		}
	}
	looksLikeKey := regexp.MustCompile(`^[a-z_]+(\.[a-z_0-9-]+)+$`)
	for file, literals := range templateLiterals(t) {
		for _, text := range literals {
			switch {
			case parts[text] != nil:
			case vi.has(text):
				used[text] = true
			case vi.has(text + ".one"):
				used[text+".one"], used[text+".many"] = true, true
			case strings.HasSuffix(text, "."):
				t.Errorf("%s puts together keys that begin with %s, which this test does not know of", file, text)
			case looksLikeKey.MatchString(text) && !strings.HasSuffix(text, ".css") && !strings.HasSuffix(text, ".js") && !strings.HasSuffix(text, ".svg"):
				t.Errorf("%s asks for the text %s, which is not there", file, text)
			}
		}
	}
	pages, everywhere := goLiterals(t, ".."), goLiterals(t, "../..")
	for key := range vi.texts {
		if code, ok := strings.CutPrefix(key, "error."); ok {
			code, _, _ = strings.Cut(code, ".")
			used[key] = used[key] || everywhere[code]
		}
		if !used[key] && !pages[key] {
			t.Errorf("the text %s is used nowhere", key)
		}
	}
}

// templateLiterals returns the strings that stand in the actions of each template.
func templateLiterals(t *testing.T) map[string][]string {
	t.Helper()
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("listing the templates: %v, %d of them", err, len(files))
	}
	literals := make(map[string][]string)
	for _, file := range files {
		source, err := fs.ReadFile(templateFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		root := parse.New(file)
		root.Mode = parse.SkipFuncCheck
		trees := make(map[string]*parse.Tree)
		if _, err := root.Parse(string(source), "", "", trees); err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			walkTemplate(tree.Root, func(text string) { literals[file] = append(literals[file], text) })
		}
	}
	return literals
}

func walkTemplate(node parse.Node, found func(string)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walkTemplate(child, found)
		}
	case *parse.ActionNode:
		walkTemplate(n.Pipe, found)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, command := range n.Cmds {
			for _, argument := range command.Args {
				walkTemplate(argument, found)
			}
		}
	case *parse.StringNode:
		found(n.Text)
	case *parse.IfNode:
		walkBranch(&n.BranchNode, found)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, found)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, found)
	case *parse.TemplateNode:
		walkTemplate(n.Pipe, found)
	}
}

func walkBranch(n *parse.BranchNode, found func(string)) {
	walkTemplate(n.Pipe, found)
	walkTemplate(n.List, found)
	walkTemplate(n.ElseList, found)
}

// goLiterals returns the string literals of the Go files in and beneath a folder, tests left out.
func goLiterals(t *testing.T, folder string) map[string]bool {
	t.Helper()
	literals := make(map[string]bool)
	walkGo(t, folder, func(n ast.Node) {
		if text, ok := literalOf(n); ok {
			literals[text] = true
		}
	})
	return literals
}

func literalOf(n ast.Node) (text string, ok bool) {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

// walkGo visits what stands in the Go files in and beneath a folder, tests left out.
func walkGo(t *testing.T, folder string, visit func(ast.Node)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			visit(n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryActionHasWords reads what the rooms enter into the audit log, where an auditor reads words.
func TestEveryActionHasWords(t *testing.T) {
	vi, entered := texts(t, vietnamese), make(map[string]bool)
	walkGo(t, "../..", func(n ast.Node) {
		if action, ok := literalOf(actionIn(n)); ok {
			entered[action] = true
		}
	})
	if len(entered) < 40 || !entered["login"] || !entered["device_revoked"] {
		t.Fatalf("the actions could not be read: %v", entered)
	}
	for action := range entered {
		if !vi.has("action." + action) {
			t.Errorf("the audit log has the action %s, which has no words", action)
		}
	}
}

// actionIn returns the action where something is entered into the audit log, or a variable of that name is set; nil elsewhere.
func actionIn(n ast.Node) ast.Node {
	position := map[string][2]int{"Append": {5, 2}, "Record": {5, 2}, "record": {5, 2}, "enter": {5, 2}, "Entry": {4, 1}, "keep": {1, 0}} // of so many, which
	switch n := n.(type) {
	case *ast.AssignStmt:
		if variable, ok := n.Lhs[0].(*ast.Ident); ok && variable.Name == "action" {
			return n.Rhs[0]
		}
	case *ast.CallExpr:
		var name string
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if at, ok := position[name]; ok && len(n.Args) == at[0] {
			return n.Args[at[1]]
		}
	}
	return nil
}

func TestNumbersAndDurations(t *testing.T) {
	vi, en := texts(t, vietnamese), texts(t, english)
	for n, want := range map[int][2]string{
		0: {"0", "0"}, 999: {"999", "999"}, 1000: {"1.000", "1,000"}, 4500: {"4.500", "4,500"},
		1234567: {"1.234.567", "1,234,567"}, -1000: {"-1.000", "-1,000"}, -12: {"-12", "-12"},
	} {
		if got := [2]string{vi.number(n), en.number(n)}; got != want {
			t.Errorf("%d is written %v, want %v", n, got, want)
		}
	}
	for seconds, want := range map[int64]string{
		0: "0 s", 59: "59 s", 60: "1 min", 61: "1 min 1 s", 600: "10 min", 659: "10 min", 3600: "1 h", 3660: "1 h 1 min",
		86400: "24 h", 4_000_000: "1,111 h 6 min",
	} {
		if got := en.duration(seconds); got != want {
			t.Errorf("%d s is written %q, want %q", seconds, got, want)
		}
	}
	if got := en.count("cases.all_cases", 1) + en.count("cases.all_cases", 2); got != "the one caseall 2 cases" {
		t.Errorf("one and many cases: %q", got)
	}
	if got := vi.Text("no.such.text"); got != "[no.such.text]" {
		t.Errorf("a text that is not there: %q", got)
	}
}
