-- Who people are, encrypted; who opened it; and who approved a run that its author's own case is traced with.

-- The keys are in no database. key_id names the one that a value is sealed with, as the value itself does.
CREATE TABLE IF NOT EXISTS sealed (
    person BYTEA NOT NULL REFERENCES people (id),
    field  TEXT COLLATE "C" NOT NULL,
    key_id BIGINT NOT NULL,
    value  BYTEA NOT NULL,
    PRIMARY KEY (person, field)
);

-- Each is written with its entry of the audit log, seq. What it was opened from may be gone before it.
CREATE TABLE IF NOT EXISTS openings (
    seq     BIGINT NOT NULL PRIMARY KEY REFERENCES audit (seq),
    person  BYTEA NOT NULL,
    run     BYTEA NOT NULL,
    account BYTEA NOT NULL,
    area    TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    opened  BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS openings_by_person ON openings (person, opened);

CREATE TABLE IF NOT EXISTS approvals (
    run      BYTEA NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    account  BYTEA NOT NULL REFERENCES accounts (id),
    approved BIGINT NOT NULL
);

-- People without a phone of their own, under that of somebody else.
CREATE TABLE IF NOT EXISTS dependants (
    person   BYTEA NOT NULL PRIMARY KEY REFERENCES people (id),
    guardian BYTEA NOT NULL REFERENCES people (id),
    number   BIGINT NOT NULL,
    UNIQUE (guardian, number)
);

CREATE INDEX IF NOT EXISTS cases_by_lab_ref ON cases (lab_ref);
CREATE INDEX IF NOT EXISTS cases_by_person ON cases (person, created);

-- With the phone number that a code was sent to, sealed. Codes that wait at this moment are asked for once more: they are good
-- for five minutes.
DROP TABLE IF EXISTS challenges;

CREATE TABLE IF NOT EXISTS challenges (
    id        BYTEA NOT NULL PRIMARY KEY,
    alias     BYTEA NOT NULL,
    code_hash BYTEA NOT NULL,
    phone     BYTEA NOT NULL,
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    tries     BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS challenges_by_expires ON challenges (expires);
