package sqlstore

import (
	"strings"

	"github.com/google/uuid"
)

// blob is how a UUID is stored. (A uuid.UUID given as it is would be stored as text.)
func blob(id uuid.UUID) []byte { return id[:] }

// blobs is how UUIDs are stored.
func blobs(ids []uuid.UUID) []any {
	values := make([]any, len(ids))
	for i := range ids {
		values[i] = blob(ids[i])
	}
	return values
}

// idsAtOnce is how many ids one query names: SQLite takes 32,766 and plans long lists no better.
const idsAtOnce = 500

// idList is n ids in a query, in parentheses.
func idList(n int) string { return `(?` + strings.Repeat(`, ?`, n-1) + `)` }

// optional is how a UUID is stored that may be missing: uuid.Nil is NULL. Scanning NULL leaves a uuid.UUID as it was.
func optional(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id[:]
}

// optionalText is how a text is stored that refers to something where it is not empty. Queries read it with COALESCE.
func optionalText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// bytesOrEmpty keeps nil out of columns that are never NULL.
func bytesOrEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
