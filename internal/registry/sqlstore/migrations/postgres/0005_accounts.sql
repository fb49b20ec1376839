-- Who is logged in, what they prove beside a password, and how accounts begin.

CREATE TABLE IF NOT EXISTS sign_ins (
    id      BYTEA NOT NULL PRIMARY KEY,
    account BYTEA NOT NULL REFERENCES accounts (id),
    began   BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    browser TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS sign_ins_by_account ON sign_ins (account);
CREATE INDEX IF NOT EXISTS sign_ins_by_expires ON sign_ins (expires);

-- secret is sealed with a key that is in no database; step is that of the code that was used last.
CREATE TABLE IF NOT EXISTS second_factors (
    account BYTEA NOT NULL PRIMARY KEY REFERENCES accounts (id),
    secret  BYTEA NOT NULL,
    step    BIGINT NOT NULL,
    since   BIGINT NOT NULL
);

-- A code that was used is gone.
CREATE TABLE IF NOT EXISTS recovery_codes (
    account BYTEA NOT NULL REFERENCES second_factors (account),
    hash    BYTEA NOT NULL,
    PRIMARY KEY (account, hash)
);

-- hash is the SHA-256 of the key that a gate's device holds.
CREATE TABLE IF NOT EXISTS device_keys (
    hash    BYTEA NOT NULL PRIMARY KEY,
    account BYTEA NOT NULL UNIQUE REFERENCES accounts (id)
);

-- token is the SHA-256 of what the invited holds, NULL until there is one. An invitation that was accepted or withdrawn is
-- gone.
CREATE TABLE IF NOT EXISTS invitations (
    id           BYTEA NOT NULL PRIMARY KEY,
    token        BYTEA UNIQUE,
    role         TEXT NOT NULL,
    organisation BYTEA REFERENCES organisations (id),
    place        BYTEA REFERENCES places (id),
    area         TEXT COLLATE "C" REFERENCES areas (code),
    renews       BYTEA REFERENCES accounts (id),
    note         TEXT NOT NULL,
    proposed     BYTEA NOT NULL REFERENCES accounts (id),
    confirmed    BYTEA REFERENCES accounts (id),
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL
);

-- The accounts of an organisation are its owners and the gates at its places.
CREATE INDEX IF NOT EXISTS accounts_by_organisation ON accounts (organisation);
CREATE INDEX IF NOT EXISTS accounts_by_place ON accounts (place);
