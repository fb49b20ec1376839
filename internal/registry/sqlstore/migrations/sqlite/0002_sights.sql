-- What is read as a whole is counted, so that who has it in memory asks for the count alone; and a run keeps what it walked
-- with.

-- The one row counts the transactions that changed places, areas or revocations. That of revision, from here on, counts
-- those that changed what stays are derived with: links, and of places the parent and the dwell.
CREATE TABLE IF NOT EXISTS gazetteer_change (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
);

INSERT INTO gazetteer_change (id, count) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS run_inputs (
    run    BLOB NOT NULL PRIMARY KEY REFERENCES runs (id),
    inputs BLOB NOT NULL
) WITHOUT ROWID;

-- The aliases of a person are looked for when their credentials are revoked.
CREATE INDEX IF NOT EXISTS links_by_person ON links (person);
