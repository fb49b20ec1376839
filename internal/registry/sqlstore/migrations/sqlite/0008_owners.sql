-- What organisations ask for and keep: an account of their own, a picture on their posters, posters in one file.

CREATE TABLE IF NOT EXISTS applications (
    id      BLOB NOT NULL PRIMARY KEY,
    token   BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    address TEXT NOT NULL,
    area    TEXT REFERENCES areas (code),
    contact BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS logos (
    organisation BLOB NOT NULL PRIMARY KEY REFERENCES organisations (id),
    png          BLOB NOT NULL
);

-- The places are their ids one after the other.
CREATE TABLE IF NOT EXISTS print_orders (
    id           BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL REFERENCES organisations (id),
    format       TEXT NOT NULL,
    language     TEXT NOT NULL,
    files        TEXT NOT NULL,
    places       BLOB NOT NULL,
    count        INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS print_orders_by_organisation ON print_orders (organisation, created);
