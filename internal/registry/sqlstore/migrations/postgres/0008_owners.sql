-- What organisations ask for and keep: an account of their own, a picture on their posters, posters in one file.

CREATE TABLE IF NOT EXISTS applications (
    id      BYTEA NOT NULL PRIMARY KEY,
    token   BYTEA NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    address TEXT NOT NULL,
    area    TEXT COLLATE "C" REFERENCES areas (code),
    contact BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS logos (
    organisation BYTEA NOT NULL PRIMARY KEY REFERENCES organisations (id),
    png          BYTEA NOT NULL
);

-- The places are their ids one after the other.
CREATE TABLE IF NOT EXISTS print_orders (
    id           BYTEA NOT NULL PRIMARY KEY,
    organisation BYTEA NOT NULL REFERENCES organisations (id),
    format       TEXT NOT NULL,
    language     TEXT NOT NULL,
    files        TEXT NOT NULL,
    places       BYTEA NOT NULL,
    count        BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS print_orders_by_organisation ON print_orders (organisation, created);
