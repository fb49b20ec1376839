package vault

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// RepeatedLookups is the action of the entries that tell the auditor of somebody who is looked up more than their illness
// explains.
const RepeatedLookups = "repeated_lookups"

// What is more than usual within LookupPeriod. An outbreak has somebody called a few times, from a few lists, by the ward and
// then the district.
const (
	LookupPeriod = 7 * 24 * time.Hour

	usualOpenings = 10
	usualRuns     = 3
	usualAccounts = 3
)

// Repeated says whether the last of somebody's openings, those within LookupPeriod in their order, makes them more than is
// usual. It does so once for each bound that is passed, so that the auditor is told and not drowned.
func Repeated(recent []registry.Opening) (why string, repeated bool) {
	now, before := countOpenings(recent), countOpenings(recent[:max(len(recent)-1, 0)])
	if !now.passes(before) {
		return "", false
	}
	return fmt.Sprintf("openings=%d;runs=%d;accounts=%d;days=%d",
		now.openings, now.runs, now.accounts, int(LookupPeriod/(24*time.Hour))), true
}

type openingCount struct{ openings, runs, accounts int }

// passes says whether a bound lies between what was and what is.
func (c openingCount) passes(before openingCount) bool {
	return c.openings > usualOpenings && before.openings <= usualOpenings ||
		c.runs > usualRuns && before.runs <= usualRuns ||
		c.accounts > usualAccounts && before.accounts <= usualAccounts
}

func countOpenings(list []registry.Opening) openingCount {
	runs, accounts := make(map[uuid.UUID]bool), make(map[uuid.UUID]bool)
	for _, o := range list {
		runs[o.Run], accounts[o.Account] = true, true
	}
	return openingCount{len(list), len(runs), len(accounts)}
}
