package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// The ways in which processes are not as they should be. They exit with ExitRefused and ExitFailure.
var (
	errNotTaking = errors.New("a process does not take work")
	errSilent    = errors.New("a process does not answer")
)

func newStatusCmd(s *settings) *cobra.Command {
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status [URL]...",
		Short: "Show how running processes are; on a terminal again and again until stopped",
		Long: `Asks running processes how they are, at the addresses where they answer operators: without a URL those of this
configuration, serve and, in the cluster mode, worker. On a terminal it looks again and again, else once.

It exits with 0 when all of them take work (ready or degraded), 3 when one does not (down or stopping), and 1 when one does
not answer.`,
		RunE: func(cmd *cobra.Command, urls []string) error {
			untilStopped(cmd)
			if len(urls) == 0 {
				cfg, err := s.load(cmd.Context())
				if err != nil {
					return err
				}
				if urls, err = opsURLs(cfg); err != nil {
					return usage(err)
				}
			}
			if every < 100*time.Millisecond {
				return usage(errors.New("--every is at least 100ms"))
			}
			out, isFile := cmd.OutOrStdout().(*os.File)
			if !isFile || !term.IsTerminal(int(out.Fd())) {
				return showStatus(cmd.Context(), cmd.OutOrStdout(), urls)
			}
			return watchStatus(cmd.Context(), out, urls, every)
		},
	}
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look on a terminal")
	s.addFlags(cmd)
	return cmd
}

// opsURLs returns where the processes of a configuration answer operators.
func opsURLs(cfg *config.Config) ([]string, error) {
	processes := []string{config.ServeProcess}
	if _, chosen := cfg.OpsAddress(config.WorkerProcess); cfg.Cluster() && !chosen {
		processes = append(processes, config.WorkerProcess)
	}
	var urls []string
	for _, process := range processes {
		address, _ := cfg.OpsAddress(process)
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "0" {
			return nil, errors.New("the configuration names no address for operators: give the URL that the process has logged")
		}
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "localhost"
		}
		urls = append(urls, "http://"+net.JoinHostPort(host, port))
	}
	return urls, nil
}

// watchStatus shows the processes again and again until ctx ends.
func watchStatus(ctx context.Context, out io.Writer, urls []string, every time.Duration) error {
	turn := time.NewTicker(every)
	defer turn.Stop()
	for {
		var page strings.Builder
		err := showStatus(ctx, &page, urls)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, errNotTaking) && !errors.Is(err, errSilent) {
			return err
		}
		// Home, and what is left of each line and of the page cleared: a page that is replaced whole flickers.
		if _, err := io.WriteString(out, "\x1b[H"+strings.ReplaceAll(page.String(), "\n", "\x1b[K\n")+"\x1b[J"); err != nil {
			return fmt.Errorf("showing the status: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
	}
}

// showStatus shows each process once. The error is the worst that was found.
func showStatus(ctx context.Context, out io.Writer, urls []string) error {
	var worst error
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, url := range urls {
		report, err := askStatus(ctx, url)
		if err != nil {
			fmt.Fprintf(table, "%s\tno answer\t%v\n", url, err)
			worst = errSilent
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s, up %s, version %s\n", url, report.Status, report.Process,
			time.Duration(report.Uptime)*time.Second, report.Version)
		for _, part := range report.Parts {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", part.Name, part.Status, strings.Join(shownFacts(part), ", "))
			if part.Detail != "" {
				fmt.Fprintf(table, "\t\t%s\n", part.Detail)
			}
		}
		if !report.Status.Takes() && worst == nil {
			worst = &ExitError{Code: ExitRefused, Err: errNotTaking}
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("showing the status: %w", err)
	}
	return worst
}

// statusTimeout bounds one question; a process answers within its own two seconds.
const statusTimeout = 5 * time.Second

// maxStatus is the most bytes of an answer that are read.
const maxStatus = 1 << 20

func askStatus(ctx context.Context, url string) (telemetry.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	var report telemetry.Report
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/status", nil)
	if err != nil {
		return report, fmt.Errorf("asking for the status: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return report, fmt.Errorf("asking for the status: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return report, fmt.Errorf("asking for the status: it answered %s", res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxStatus)).Decode(&report); err != nil {
		return report, fmt.Errorf("reading the status: %w", err)
	}
	return report, nil
}

// shownFacts writes the numbers of a part for people.
func shownFacts(part telemetry.PartReport) []string {
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(part.Facts)) {
		value := part.Facts[name]
		text := strconv.FormatFloat(value, 'f', -1, 64)
		switch {
		case strings.HasSuffix(name, "_bytes"):
			text = strconv.FormatFloat(value/(1<<20), 'f', 1, 64) + " MiB"
		case strings.HasSuffix(name, "_seconds"):
			text = time.Duration(value * float64(time.Second)).Round(time.Millisecond).String()
		}
		words := strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(name, "_bytes"), "_seconds"), "_", " ")
		shown = append(shown, words+" "+text)
	}
	return shown
}
