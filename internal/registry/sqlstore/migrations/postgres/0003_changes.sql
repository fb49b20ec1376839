-- What stays are derived with says at which revision it was changed, so that who has it in memory reads what is new alone.

-- Every version of every link, by the revision that made it; person is NULL where the alias was unlinked. The links
-- themselves are those that hold now.
CREATE TABLE IF NOT EXISTS link_versions (
    revision BIGINT NOT NULL,
    alias    BYTEA NOT NULL,
    person   BYTEA REFERENCES people (id),
    kind     TEXT NOT NULL,
    changed  BIGINT NOT NULL,
    PRIMARY KEY (revision, alias)
);

-- When the links of before were made is not known: they count as changed now.
INSERT INTO link_versions (revision, alias, person, kind, changed)
SELECT (SELECT count FROM revision), alias, person, kind, linked FROM links
WHERE NOT EXISTS (SELECT 1 FROM link_versions);

-- The one row is the revision that last changed which places there are, a parent or a dwell.
CREATE TABLE IF NOT EXISTS places_changed (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);

INSERT INTO places_changed (id, revision) SELECT 1, count FROM revision WHERE true ON CONFLICT (id) DO NOTHING;

-- Scans of the alias that were received before an instant do not exist any more. An alias need not be linked.
CREATE TABLE IF NOT EXISTS erasures (
    alias           BYTEA NOT NULL PRIMARY KEY,
    received_before BIGINT NOT NULL,
    revision        BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS erasures_by_revision ON erasures (revision);
