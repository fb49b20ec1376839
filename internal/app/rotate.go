package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
)

// Rotation changes keys while servers run. It may be killed at any time and begun again: it then goes on where it was.
type Rotation struct {
	// Follow is how long servers are given to take over a changed secrets file, where that must be so before going on.
	Follow time.Duration
	// Seen is told now and then how many details were looked at, and of how many something new was made.
	Seen func(looked, done int)
}

// errNoFile refuses a rotation of keys that cannot be written.
var errNoFile = errors.New("the secrets come from TRUYVET_SECRETS: only those of a file can be rotated")

// alone reads the secrets for a rotation, of which there is one at a time. Call release when it is over.
func (o *Office) alone() (secrets config.Secrets, release func(), err error) {
	if o.Config.SecretsText != "" {
		return config.Secrets{}, nil, errNoFile
	}
	// A file of its own: that of the secrets is replaced.
	lock, err := os.OpenFile(o.Config.SecretsFile+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return config.Secrets{}, nil, fmt.Errorf("locking the secrets: %w", err)
	}
	release = func() { _ = lock.Close() } // nothing was written to it; the lock ends with it
	if err := lockFile(lock); err != nil {
		release()
		return config.Secrets{}, nil, fmt.Errorf("another rotation is under way: %w", err)
	}
	if secrets, err = config.ReadSecrets(o.Config.SecretsFile); err != nil {
		release()
		return config.Secrets{}, nil, err
	}
	return secrets, release, nil
}

// RotateVault makes a new key of the vault the current one and seals every detail anew with it; where some are still sealed with
// an older key, as after a rotation that was killed, it makes none and seals those. It returns the id of the current key. The
// older keys stay in the file: they open what servers seal until they follow, and what backups hold.
func (o *Office) RotateVault(ctx context.Context, r Rotation) (key uint32, err error) {
	secrets, release, err := o.alone()
	if err != nil {
		return 0, err
	}
	defer release()
	key = secrets.Vault[len(secrets.Vault)-1].ID
	left, err := o.sealedOtherwise(ctx, key)
	if err != nil {
		return 0, err
	}
	if left == 0 {
		key++
		secrets.Vault = config.NextKey(secrets.Vault)
		if err := o.Audit.Append(ctx, "system", "vault_key_made", fmt.Sprint(key), ""); err != nil {
			return 0, err
		}
		if err := config.ReplaceSecrets(o.Config.SecretsFile, secrets); err != nil {
			return 0, err
		}
	}
	if err := o.secrets.refresh(); err != nil {
		return 0, err
	}
	if err := o.secrets.ring.Rotate(ctx, o.Registry, r.Seen); err != nil {
		return 0, fmt.Errorf("sealing the vault anew: %w", err)
	}
	return key, o.Audit.Append(ctx, "system", "vault_key_rotated", fmt.Sprint(key), "")
}

// RotateBoxes makes a new key the one that gates close boxes with, and returns its id. Servers follow within seconds, gates at their
// next contact; the older keys stay in the file, for what is not delivered yet.
func (o *Office) RotateBoxes(ctx context.Context) (key uint32, err error) {
	secrets, release, err := o.alone()
	if err != nil {
		return 0, err
	}
	defer release()
	secrets.Boxes = config.NextKey(secrets.Boxes)
	key = secrets.Boxes[len(secrets.Boxes)-1].ID
	if err := o.Audit.Append(ctx, "system", "box_key_made", fmt.Sprint(key), ""); err != nil {
		return 0, err
	}
	return key, config.ReplaceSecrets(o.Config.SecretsFile, secrets)
}

// sealedOtherwise returns how many details are sealed with another key than the one given.
func (o *Office) sealedOtherwise(ctx context.Context, key uint32) (n int64, err error) {
	counts, err := o.Registry.CountSealed(ctx)
	for id, count := range counts {
		if id != key {
			n += count
		}
	}
	return n, err
}

// RotatePseudonym makes aliases under a new key from now on, and links them to the people whom those of before stand for. What
// was scanned keeps its alias until retention drops it. It returns how many links it has added.
//
// The links are there before any server makes an alias under the new key. Servers then follow within seconds; whoever came first
// to one that had not followed yet is linked at the end.
func (o *Office) RotatePseudonym(ctx context.Context, r Rotation) (linked int, err error) {
	secrets, release, err := o.alone()
	if err != nil {
		return 0, err
	}
	defer release()
	keep := func(action string) error {
		// The entry comes first: what it tells of too much is a key that was never used.
		if err := o.Audit.Append(ctx, "system", action, "", ""); err != nil {
			return err
		}
		return config.ReplaceSecrets(o.Config.SecretsFile, secrets)
	}
	if secrets.PseudonymNext == nil && secrets.PseudonymBefore == nil {
		secrets.PseudonymNext = config.NewSecret()
		if err := keep("pseudonym_key_made"); err != nil {
			return 0, err
		}
	}
	if secrets.PseudonymNext != nil {
		if linked, err = o.follow(ctx, secrets.Pseudonym, secrets.PseudonymNext, r); err != nil {
			return linked, err
		}
		secrets.PseudonymBefore, secrets.Pseudonym, secrets.PseudonymNext = secrets.Pseudonym, secrets.PseudonymNext, nil
		if err := keep("pseudonym_key_changed"); err != nil {
			return linked, err
		}
	}
	select {
	case <-time.After(r.Follow):
	case <-ctx.Done():
		return linked, context.Cause(ctx)
	}
	late, err := o.follow(ctx, secrets.PseudonymBefore, secrets.Pseudonym, r)
	linked += late
	if err != nil {
		return linked, err
	}
	secrets.PseudonymBefore = nil
	return linked, keep("pseudonym_key_rotated")
}

// follow links the aliases under one key to the people of those under another.
func (o *Office) follow(ctx context.Context, before, after []byte, r Rotation) (int, error) {
	from, err := citizen.NewPseudonyms(before)
	if err != nil {
		return 0, err
	}
	to, err := citizen.NewPseudonyms(after)
	if err != nil {
		return 0, err
	}
	linked, err := citizen.Follow(ctx, o.Registry, o.secrets.ring, citizen.FollowedKeys{From: from, To: to}, o.Clock(), r.Seen)
	if err != nil {
		return linked, fmt.Errorf("linking the aliases under the new key: %w", err)
	}
	return linked, nil
}
