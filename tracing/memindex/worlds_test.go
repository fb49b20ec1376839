//go:build !race

package memindex_test

// conformanceWorlds is how many worlds are walked in every way.
const conformanceWorlds = 10_000
