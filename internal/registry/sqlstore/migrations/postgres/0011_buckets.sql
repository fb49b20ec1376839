-- How often something may be tried yet that must not be guessed, over all processes; see registry.Bucket.
CREATE TABLE IF NOT EXISTS buckets (
    key     BYTEA NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS buckets_by_full_at ON buckets (full_at);
