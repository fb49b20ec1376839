package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
)

// appendingIn names, in the environment of a process of this test, the directory to append scans in until it is killed.
const appendingIn = "TRUYVET_TEST_APPEND_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(appendingIn); dir != "" {
		if err := appendForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// killScan is the n-th scan of the process that is killed: over three days, a third of them not at home.
func killScan(n int) scan.Scan {
	s := scanlogtest.Scan(n)
	s.At += int64(n%3) * scan.SecondsPerDay
	return s
}

// appendForever appends batches and writes to standard output how many scans were accepted so far.
func appendForever(dir string) error {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return err
	}
	for n := 0; ; {
		batch := make([]scan.Scan, 0, 30)
		for range 30 {
			batch = append(batch, killScan(n))
			n++
		}
		if _, err := store.Append(ctx, batch); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestAcceptedSurvivesKill(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, lines := range []int{1, 7, 40} {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), appendingIn+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		accepted := 0
		reader := bufio.NewScanner(out)
		for i := 0; reader.Scan(); i++ {
			if _, err := fmt.Sscan(reader.Text(), &accepted); err != nil {
				t.Fatal(err)
			}
			if i == lines {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if accepted == 0 {
			t.Fatal("the process accepted nothing")
		}

		store := open(t, dir, sqlite.Options{})
		stored := make(map[scan.Key]int)
		for _, s := range all(t, store) {
			stored[s.Key()]++
		}
		for n := range accepted {
			s := killScan(n)
			if times := stored[s.Key()]; times != 1 {
				t.Fatalf("accepted scan %d of %d is stored %d times", n, accepted, times)
			}
		}
		// What was under way may be appended again.
		retried := make([]scan.Scan, 0, 60)
		for n := max(0, accepted-30); n < accepted+30; n++ {
			retried = append(retried, killScan(n))
		}
		scanlogtest.Append(t, store, retried)
		if got := len(all(t, store)); got != accepted+30 {
			t.Fatalf("%d scans are stored after the retry, want %d", got, accepted+30)
		}
	}
}
