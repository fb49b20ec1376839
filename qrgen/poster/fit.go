package poster

import "strings"

// leading is the height of a line by the size of its text: room for two marks over a capital, as in Ậ.
const leading = 1.22

// ellipsis stands for what there was no room for.
const ellipsis = "…"

// block is text broken into lines, at the size at which it fits.
type block struct {
	lines []string
	size  float64 // millimetres
	face  weight
}

func (b block) height() float64 { return float64(len(b.lines)) * b.size * leading }

// fit breaks a line of text so that it fits into width and height, in the largest size from least to most millimetres at
// which it does. What does not fit at the least is cut, and ends in an ellipsis.
func (t *typesetter) fit(text string, face weight, width, height, most, least float64) block {
	const step = 0.96
	for size := min(most, height/leading); size > least; size *= step {
		b := block{t.wrap(text, face, width/size), size, face}
		if b.height() <= height {
			return b
		}
	}
	b := block{t.wrap(text, face, width/least), least, face}
	if room := max(int(height/(least*leading)), 1); len(b.lines) > room {
		b.lines = b.lines[:room]
		b.lines[room-1] = t.cut(b.lines[room-1]+ellipsis, face, width/least)
	}
	return b
}

// wrap breaks text between words into lines of up to width ems, and a word that is longer where it must be.
func (t *typesetter) wrap(text string, face weight, width float64) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		joined := word
		if line != "" {
			joined = line + " " + word
		}
		if t.width(face, joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; t.width(face, line) > width; {
			head := t.head(line, face, width)
			lines = append(lines, head)
			line = line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// head returns as much of the text's beginning as is width ems long, one character at the least.
func (t *typesetter) head(text string, face weight, width float64) string {
	total := 0.0
	for i, r := range text {
		total += t.glyph(face, r).advance
		if total > width && i > 0 {
			return text[:i]
		}
	}
	return text
}

// cut shortens a line that ends in an ellipsis, before it, to width ems.
func (t *typesetter) cut(line string, face weight, width float64) string {
	if t.width(face, line) <= width {
		return line
	}
	kept := t.head(strings.TrimSuffix(line, ellipsis), face, width-t.width(face, ellipsis))
	return strings.TrimRight(kept, " ") + ellipsis
}
