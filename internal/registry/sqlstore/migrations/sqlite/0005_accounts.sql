-- Who is logged in, what they prove beside a password, and how accounts begin.

CREATE TABLE IF NOT EXISTS sign_ins (
    id      BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    began   INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    browser TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS sign_ins_by_account ON sign_ins (account);
CREATE INDEX IF NOT EXISTS sign_ins_by_expires ON sign_ins (expires);

-- secret is sealed with a key that is in no database; step is that of the code that was used last.
CREATE TABLE IF NOT EXISTS second_factors (
    account BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    secret  BLOB NOT NULL,
    step    INTEGER NOT NULL,
    since   INTEGER NOT NULL
) WITHOUT ROWID;

-- A code that was used is gone.
CREATE TABLE IF NOT EXISTS recovery_codes (
    account BLOB NOT NULL REFERENCES second_factors (account),
    hash    BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;

-- hash is the SHA-256 of the key that a gate's device holds.
CREATE TABLE IF NOT EXISTS device_keys (
    hash    BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL UNIQUE REFERENCES accounts (id)
) WITHOUT ROWID;

-- token is the SHA-256 of what the invited holds, NULL until there is one. An invitation that was accepted or withdrawn is
-- gone.
CREATE TABLE IF NOT EXISTS invitations (
    id           BLOB NOT NULL PRIMARY KEY,
    token        BLOB UNIQUE,
    role         TEXT NOT NULL,
    organisation BLOB REFERENCES organisations (id),
    place        BLOB REFERENCES places (id),
    area         TEXT REFERENCES areas (code),
    renews       BLOB REFERENCES accounts (id),
    note         TEXT NOT NULL,
    proposed     BLOB NOT NULL REFERENCES accounts (id),
    confirmed    BLOB REFERENCES accounts (id),
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL
) WITHOUT ROWID;

-- The accounts of an organisation are its owners and the gates at its places.
CREATE INDEX IF NOT EXISTS accounts_by_organisation ON accounts (organisation);
CREATE INDEX IF NOT EXISTS accounts_by_place ON accounts (place);
