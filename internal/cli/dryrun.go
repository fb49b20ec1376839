package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/truyvet/truyvet/tracing"
)

// ownRules is the name of the numbers of the command line, where a profile's would stand.
const ownRules = "own"

// rules are numbers and what they are called.
type rules struct {
	name    string
	numbers tracing.Numbers
}

// dryRules are those of every profile, and those of the command line where it has any.
func (f *traceFlags) dryRules(own tracing.Numbers) []rules {
	var all []rules
	for _, p := range tracing.Profiles() {
		p.Scope = own.Scope // the data says where people meet, or the command line
		all = append(all, rules{p.Name, p.Numbers})
	}
	for _, name := range []string{"min-overlap", "linger", "latency", "depth", "crowd-limit"} {
		if f.given.Changed(name) {
			return append(all, rules{ownRules, own})
		}
	}
	return all
}

// dryCount is how many people a set of rules lists, by generation from the first on.
type dryCount struct {
	Rules  string `json:"rules"`
	Counts []int  `json:"counts"`
}

// dryRun counts under each of the rules. The cases keep their windows, which are given.
func dryRun(ctx context.Context, src tracing.Source, req tracing.Request, all []rules) ([]dryCount, error) {
	requests := make([]tracing.Request, len(all))
	for i, r := range all {
		requests[i] = req
		requests[i].Numbers = r.numbers
	}
	counts, err := tracing.DryRun(ctx, src, requests)
	if err != nil {
		return nil, err
	}
	results := make([]dryCount, len(all))
	for i, r := range all {
		// A walk that reached nobody further ended early.
		results[i] = dryCount{r.name, append(counts[i], make([]int, r.numbers.Depth)...)[:r.numbers.Depth]}
	}
	return results, nil
}

// dryPrinters print the counts of a dry run, by the name of the format.
func dryPrinters() map[string]func([]dryCount, io.Writer) error {
	return map[string]func([]dryCount, io.Writer) error{"table": dryTable, "csv": dryCSV, "json": dryJSON}
}

// dryRows are the counts as lines of text, the head first; what a set of rules does not go as far as is a blank.
func dryRows(results []dryCount, first, generation, blank string) [][]string {
	head := []string{first}
	for _, r := range results {
		for len(head) <= len(r.Counts) {
			head = append(head, generation+strconv.Itoa(len(head)))
		}
	}
	rows := [][]string{head}
	for _, r := range results {
		row := []string{r.Rules}
		for _, n := range r.Counts {
			row = append(row, strconv.Itoa(n))
		}
		for len(row) < len(head) {
			row = append(row, blank)
		}
		rows = append(rows, row)
	}
	return rows
}

func dryTable(results []dryCount, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, row := range dryRows(results, "RULES", "F", "-") {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func dryCSV(results []dryCount, out io.Writer) error {
	return csv.NewWriter(out).WriteAll(dryRows(results, "rules", "f", ""))
}

func dryJSON(results []dryCount, out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string][]dryCount{"results": results})
}
