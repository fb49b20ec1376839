-- Who people are, encrypted; who opened it; and who approved a run that its author's own case is traced with.

-- The keys are in no database. key_id names the one that a value is sealed with, as the value itself does.
CREATE TABLE IF NOT EXISTS sealed (
    person BLOB NOT NULL REFERENCES people (id),
    field  TEXT NOT NULL,
    key_id INTEGER NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (person, field)
) WITHOUT ROWID;

-- Each is written with its entry of the audit log, seq. What it was opened from may be gone before it.
CREATE TABLE IF NOT EXISTS openings (
    seq     INTEGER NOT NULL PRIMARY KEY REFERENCES audit (seq),
    person  BLOB NOT NULL,
    run     BLOB NOT NULL,
    account BLOB NOT NULL,
    area    TEXT NOT NULL,
    purpose TEXT NOT NULL,
    opened  INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS openings_by_person ON openings (person, opened);

CREATE TABLE IF NOT EXISTS approvals (
    run      BLOB NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    account  BLOB NOT NULL REFERENCES accounts (id),
    approved INTEGER NOT NULL
) WITHOUT ROWID;

-- People without a phone of their own, under that of somebody else.
CREATE TABLE IF NOT EXISTS dependants (
    person   BLOB NOT NULL PRIMARY KEY REFERENCES people (id),
    guardian BLOB NOT NULL REFERENCES people (id),
    number   INTEGER NOT NULL,
    UNIQUE (guardian, number)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS cases_by_lab_ref ON cases (lab_ref);
CREATE INDEX IF NOT EXISTS cases_by_person ON cases (person, created);

-- With the phone number that a code was sent to, sealed. Codes that wait at this moment are asked for once more: they are good
-- for five minutes.
DROP TABLE IF EXISTS challenges;

CREATE TABLE IF NOT EXISTS challenges (
    id        BLOB NOT NULL PRIMARY KEY,
    alias     BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    phone     BLOB NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    tries     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS challenges_by_expires ON challenges (expires);
