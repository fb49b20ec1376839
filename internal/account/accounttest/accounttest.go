// Package accounttest gives tests accounts that log in at next to no cost.
package accounttest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// Put puts an account into a store and returns it, as [account.Service.Create] does but for the role, which is not checked,
// and for the password's hash, which has the least cost that argon2id knows: what is stored says what it costs to check.
func Put(t testing.TB, store account.Accounts, a registry.Account, password string) registry.Account {
	t.Helper()
	a.ID = uuid.Must(uuid.NewV7())
	stored := a
	stored.PasswordHash = hash(password)
	if err := store.PutAccount(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	return a
}

// hash is in the PHC string format.
func hash(password string) string {
	const memory, passes, threads, saltSize, size = 8, 1, 1, 16, 32
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // it never fails: the program would have crashed
	digest := argon2.IDKey(norm.NFKC.Bytes([]byte(password)), salt, passes, memory, threads, size)
	text := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		text.EncodeToString(salt), text.EncodeToString(digest))
}
