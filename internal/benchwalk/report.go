package benchwalk

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// report writes figures, a line for each: its name, its value and its unit. Names and units hold no spaces, and values neither.
type report struct{ out io.Writer }

func (r report) text(name, value, unit string) { fmt.Fprintln(r.out, name, value, unit) }

// line writes a number with four digits that count, and a whole number as it is.
func (r report) line(name string, value float64, unit string) {
	digits := 0
	if value != math.Trunc(value) {
		digits = max(0, 3-int(math.Floor(math.Log10(math.Abs(value)))))
	}
	r.text(name, strconv.FormatFloat(value, 'f', digits, 64), unit)
}

// time writes how long an answer took: in milliseconds, but the first generation of one case in microseconds.
func (r report) time(name string, took time.Duration) {
	if strings.HasSuffix(name, "one.f1") {
		r.line(name, float64(took)/float64(time.Microsecond), "us")
		return
	}
	r.line(name, float64(took)/float64(time.Millisecond), "ms")
}

func (r report) seconds(name string, took time.Duration) { r.line(name, took.Seconds(), "s") }

// rate writes how many million stays went in per second.
func (r report) rate(name string, stays int, took time.Duration) {
	r.line(name, float64(stays)/1e6/took.Seconds(), "Mstays/s")
}
