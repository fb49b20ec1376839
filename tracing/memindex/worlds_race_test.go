//go:build race

package memindex_test

// conformanceWorlds are enough to see whether the workers of a walk race; what they count is seen without the race detector.
const conformanceWorlds = 2_000
