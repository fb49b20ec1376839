package qrgen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/qrgen"
)

func TestCheckCode(t *testing.T) {
	// 96 zero bytes, worked out with other programs: printf truyvet/check/v1, then the bytes, into sha256sum.
	token := strings.Repeat("A", qrgen.TokenLength)
	got, err := qrgen.CheckCode(strings.ToLower(token))
	if err != nil || got != "QF5V-JENP" {
		t.Errorf("it is %q, %v", got, err)
	}
	if other, _ := qrgen.CheckCode("B" + token[1:]); other == got {
		t.Error("another token has the same check code")
	}
	if _, err := qrgen.CheckCode(token[1:]); !errors.Is(err, qrgen.ErrMalformed) {
		t.Errorf("of what is no token: %v", err)
	}
}
