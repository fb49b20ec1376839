-- The life of codes: each that was issued for a place and is not the newest, and the newest where it ends. A serial below the
-- newest that has no row is dead. issued is 0 where it is not known, and ends where there is no end.
CREATE TABLE IF NOT EXISTS codes (
    place   BYTEA NOT NULL REFERENCES places (id),
    serial  BIGINT NOT NULL,
    issued  BIGINT NOT NULL,
    ends    BIGINT NOT NULL,
    revoked BOOLEAN NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (place, serial)
);

CREATE INDEX IF NOT EXISTS codes_by_changed ON codes (changed);

-- Revocations ended every code of a place up to a serial. Nothing is written there from here on.
INSERT INTO codes (place, serial, issued, ends, revoked, changed)
SELECT place, serial, 0, revoked, false, changed FROM revocations
ON CONFLICT (place, serial) DO NOTHING;
