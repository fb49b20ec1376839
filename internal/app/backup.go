package app

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scanmem"
)

// A backup is a zip file with the registry as an SQLite file, whatever database it came from, the two files of keys unless they
// were left out, and a manifest.
const (
	backupFormat   = "truyvet-backup/1"
	manifestName   = "backup.json"
	registryName   = "registry.db"
	keysName       = "keys.json"
	secretsName    = "secrets.json"
	maxManifest    = 1 << 16
	maxKeyFileSize = 1 << 20
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Format string `json:"format"`
	Made   int64  `json:"made"`
	// DestroyBy is when retention has dropped, where the backup was made, every scan that it could be about.
	DestroyBy int64 `json:"destroy_by"`
	Keys      bool  `json:"keys"` // whether the keys are in it
}

// ErrExpired says that a backup should have been destroyed.
var ErrExpired = errors.New("the backup is older than what it may hold is kept: it should have been destroyed")

// Backup writes the registry and, withKeys, the keys to a new file that its owner alone can read, while servers run. Scans are not
// in it. The error is fs.ErrExist where the file is there already; one that could not be written whole is removed again.
func (o *Office) Backup(ctx context.Context, path string, withKeys bool) (m Manifest, err error) {
	now := o.Clock()
	m = Manifest{Format: backupFormat, Made: now.Unix(), DestroyBy: now.Add(o.Config.Retention()).Unix(), Keys: withKeys}
	// The entry goes in first, so that it is in the backup too.
	if err := o.Audit.Append(ctx, "system", "backup_made", "", fmt.Sprintf("keys=%t", withKeys)); err != nil {
		return m, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return m, fmt.Errorf("making the backup: %w", err)
	}
	exported := path + ".registry"
	err = o.Registry.Export(ctx, exported)
	if err == nil {
		err = o.writeBackup(file, m, exported)
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if removeErr := os.Remove(exported); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	if err != nil {
		return m, fmt.Errorf("making the backup: %w", errors.Join(err, os.Remove(path)))
	}
	return m, nil
}

func (o *Office) writeBackup(file io.Writer, m Manifest, exported string) error {
	out := zip.NewWriter(file)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	entry, err := out.Create(manifestName)
	if err != nil {
		return err
	}
	if _, err := entry.Write(append(text, '\n')); err != nil {
		return err
	}
	files := [][2]string{{registryName, exported}}
	if m.Keys {
		files = append(files, [2]string{keysName, o.Config.KeyFile}, [2]string{secretsName, o.Config.SecretsFile})
	}
	for _, f := range files {
		if err := pack(out, f[0], f[1]); err != nil {
			return err
		}
	}
	return out.Close()
}

func pack(out *zip.Writer, name, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	entry, err := out.Create(name)
	if err == nil {
		_, err = io.Copy(entry, in)
	}
	return errors.Join(err, in.Close())
}

// Restore puts a backup in place: the keys where there are none, or the same ones, and the registry, of this version or an earlier
// one, where there are no records. The registry may be in another kind of database than the one that the backup was made of. No
// server may run. The error is ErrExpired for a backup that should have been destroyed, unless expired allows it.
func Restore(ctx context.Context, cfg *config.Config, path string, clock func() time.Time, expired bool) (m Manifest, err error) {
	in, err := zip.OpenReader(path)
	if err != nil {
		return m, fmt.Errorf("opening the backup: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	text, err := unpack(in, manifestName, maxManifest)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Format != backupFormat {
		return m, fmt.Errorf("%s is not a backup that this program knows: its format is %q", path, m.Format)
	}
	if clock().Unix() >= m.DestroyBy && !expired {
		return m, ErrExpired
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return m, fmt.Errorf("making the data folder: %w", err)
	}
	if m.Keys {
		for _, key := range [][2]string{{keysName, cfg.KeyFile}, {secretsName, cfg.SecretsFile}} {
			if err := restoreKey(in, key[0], key[1]); err != nil {
				return m, err
			}
		}
	}
	if err := restoreRegistry(ctx, cfg, in); err != nil {
		return m, err
	}
	// What was kept for the next start is of another registry.
	if err := scanmem.Remove(cfg.IndexDir()); err != nil {
		return m, err
	}
	office, err := OpenOffice(ctx, cfg, clock)
	if err != nil {
		return m, err
	}
	made := time.Unix(m.Made, 0).UTC().Format(time.RFC3339)
	return m, errors.Join(office.Audit.Append(ctx, "system", "backup_restored", "", "made "+made), office.Close())
}

// unpack reads a small file of a backup.
func unpack(in *zip.ReadCloser, name string, most int64) ([]byte, error) {
	entry, err := in.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(entry, most))
	if err := errors.Join(err, entry.Close()); err != nil {
		return nil, fmt.Errorf("reading %s of the backup: %w", name, err)
	}
	return text, nil
}

// restoreKey writes a file of keys, unless it is there as it is in the backup.
func restoreKey(in *zip.ReadCloser, name, path string) error {
	text, err := unpack(in, name, maxKeyFileSize)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if held, readErr := os.ReadFile(path); readErr != nil || string(held) != string(text) {
			return fmt.Errorf("%s is there with other keys: move it away if the backup is to take its place", path)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("restoring %s: %w", name, err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("restoring %s: %w", name, errors.Join(err, os.Remove(path)))
	}
	return nil
}

func restoreRegistry(ctx context.Context, cfg *config.Config, in *zip.ReadCloser) (err error) {
	const doing = "restoring the registry"
	dir, err := os.MkdirTemp(cfg.DataDir, "restore-")
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, registryName)
	entry, err := in.Open(registryName)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = io.Copy(file, entry) //nolint:gosec // as long as the registry was
		err = errors.Join(err, file.Close())
	}
	if err := errors.Join(err, entry.Close()); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	store, err := sqlstore.Open(ctx, cfg.Registry())
	if err != nil {
		return err
	}
	err = store.Migrate(ctx)
	if err == nil {
		err = store.Import(ctx, path)
	}
	return errors.Join(err, store.Close())
}
