package sqlstore

import "github.com/google/uuid"

// blob is how a UUID is stored. (A uuid.UUID given as it is would be stored as text.)
func blob(id uuid.UUID) []byte { return id[:] }

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
