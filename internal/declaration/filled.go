package declaration

import "time"

// Filled is a declaration as it is read: with the words of the form that it was given to.
type Filled struct {
	Given
	Title Text
	Lines []Line // the questions that were answered, in their order
}

// Line is a question and its answers.
type Line struct {
	ID        string
	Question  Text
	Answers   []Text // of what was typed the same in each language
	Attention bool
}

// fill puts the words of its form to a declaration.
func fill(f Form, g Given) Filled {
	filled := Filled{Given: g, Title: f.Title}
	for _, q := range f.Questions {
		answers := g.Answers[q.ID]
		if len(answers) == 0 {
			continue
		}
		line := Line{ID: q.ID, Question: q.Text, Attention: q.attention(answers)}
		for _, answer := range answers {
			line.Answers = append(line.Answers, q.read(answer))
		}
		filled.Lines = append(filled.Lines, line)
	}
	return filled
}

// read returns an answer as it is read.
func (q Question) read(answer string) Text {
	for _, o := range q.Choices() {
		if o.ID == answer {
			return o.Text
		}
	}
	if day, err := time.Parse(time.DateOnly, answer); q.Kind == Date && err == nil {
		answer = day.Format("02/01/2006")
	}
	return Text{answer, answer}
}
