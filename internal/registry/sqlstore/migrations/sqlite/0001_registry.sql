-- The registry as it began. UUIDs are 16-byte BLOBs, instants UTC seconds since 1970. Where a record may lack a UUID or an
-- area the column is NULL, so that the foreign keys hold.

CREATE TABLE IF NOT EXISTS areas (
    code   TEXT NOT NULL PRIMARY KEY,
    level  TEXT NOT NULL,
    parent TEXT REFERENCES areas (code) DEFERRABLE INITIALLY DEFERRED,
    name   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS organisations (
    id      BLOB NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL
) WITHOUT ROWID;

-- References between places are checked at the end of the transaction: a list may name a part before its site.
CREATE TABLE IF NOT EXISTS places (
    id           BLOB NOT NULL PRIMARY KEY,
    parent       BLOB REFERENCES places (id) DEFERRABLE INITIALLY DEFERRED,
    organisation BLOB NOT NULL REFERENCES organisations (id),
    kind         INTEGER NOT NULL,
    name         TEXT NOT NULL,
    address      TEXT NOT NULL,
    area         TEXT REFERENCES areas (code),
    dwell        INTEGER NOT NULL,
    code         TEXT NOT NULL,
    serial       INTEGER NOT NULL,
    issued       INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    revision     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS places_by_parent ON places (parent);
CREATE INDEX IF NOT EXISTS places_by_organisation ON places (organisation);

CREATE TABLE IF NOT EXISTS revocations (
    place   BLOB NOT NULL PRIMARY KEY REFERENCES places (id),
    serial  INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) WITHOUT ROWID;

-- The one row counts the transactions that changed places or links.
CREATE TABLE IF NOT EXISTS revision (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
);

INSERT INTO revision (id, count) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS people (
    id      BLOB NOT NULL PRIMARY KEY,
    area    TEXT REFERENCES areas (code),
    created INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS links (
    alias  BLOB NOT NULL PRIMARY KEY,
    person BLOB NOT NULL REFERENCES people (id),
    kind   TEXT NOT NULL,
    linked INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS revoked_credentials (
    alias         BLOB NOT NULL PRIMARY KEY,
    issued_before INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS challenges (
    id        BLOB NOT NULL PRIMARY KEY,
    alias     BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    tries     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS challenges_by_expires ON challenges (expires);

CREATE TABLE IF NOT EXISTS accounts (
    id            BLOB NOT NULL PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL,
    organisation  BLOB REFERENCES organisations (id),
    place         BLOB REFERENCES places (id),
    area          TEXT REFERENCES areas (code),
    password_hash TEXT NOT NULL,
    created       INTEGER NOT NULL,
    disabled      INTEGER NOT NULL
) WITHOUT ROWID;

-- token is the SHA-256 of the session's token: who reads the table cannot take a session over.
CREATE TABLE IF NOT EXISTS sessions (
    token   BLOB NOT NULL PRIMARY KEY,
    data    BLOB NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS sessions_by_expires ON sessions (expires);

CREATE TABLE IF NOT EXISTS cases (
    id       BLOB NOT NULL PRIMARY KEY,
    person   BLOB NOT NULL REFERENCES people (id),
    onset    TEXT NOT NULL,
    sample   TEXT NOT NULL,
    isolated INTEGER NOT NULL,
    lab_ref  TEXT NOT NULL,
    area     TEXT REFERENCES areas (code),
    author   BLOB NOT NULL REFERENCES accounts (id),
    created  INTEGER NOT NULL
) WITHOUT ROWID;

-- Every record is kept; the newest of a person holds, and among those of one second the last that came.
CREATE TABLE IF NOT EXISTS isolations (
    seq      INTEGER PRIMARY KEY,
    person   BLOB NOT NULL REFERENCES people (id),
    isolated INTEGER NOT NULL,
    recorded INTEGER NOT NULL
);

-- Reports are long: in a table with row ids a listing need not read past them.
CREATE TABLE IF NOT EXISTS runs (
    id        BLOB NOT NULL PRIMARY KEY,
    profile   TEXT NOT NULL,
    rules     BLOB NOT NULL,
    as_of     INTEGER NOT NULL,
    watermark TEXT NOT NULL,
    revision  INTEGER NOT NULL,
    hash      TEXT NOT NULL,
    f1        INTEGER NOT NULL,
    f2        INTEGER NOT NULL,
    area      TEXT REFERENCES areas (code),
    author    BLOB NOT NULL REFERENCES accounts (id),
    created   INTEGER NOT NULL,
    report    BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS run_cases (
    run      BLOB NOT NULL REFERENCES runs (id),
    position INTEGER NOT NULL,
    case_id  BLOB NOT NULL REFERENCES cases (id),
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit (
    seq     INTEGER NOT NULL PRIMARY KEY,
    entered INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    seal    BLOB NOT NULL
);

-- The log grows at its end and nowhere else. This stops mistakes; the seals find what is done on purpose.
CREATE TRIGGER IF NOT EXISTS audit_is_never_edited BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER IF NOT EXISTS audit_is_never_shortened BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
