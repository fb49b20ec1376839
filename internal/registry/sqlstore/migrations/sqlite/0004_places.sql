-- Opening hours, finding places by their names, edits of organisations, and reading what is new of places alone.

ALTER TABLE places ADD COLUMN IF NOT EXISTS hours TEXT NOT NULL DEFAULT '';

-- The words of the name as they are looked for, see registry.Words; NULL where the program has not written them yet.
ALTER TABLE places ADD COLUMN IF NOT EXISTS search TEXT;

-- The counts of gazetteer_change at which a place, a revocation, and any area were last changed.
ALTER TABLE places ADD COLUMN IF NOT EXISTS changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN IF NOT EXISTS changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gazetteer_change ADD COLUMN IF NOT EXISTS areas INTEGER NOT NULL DEFAULT 0;

ALTER TABLE organisations ADD COLUMN IF NOT EXISTS revision INTEGER NOT NULL DEFAULT 0;

DROP INDEX IF EXISTS places_by_organisation;
CREATE INDEX IF NOT EXISTS places_by_name ON places (organisation, search, id);
CREATE INDEX IF NOT EXISTS places_by_search ON places (search, id);
CREATE INDEX IF NOT EXISTS places_by_changed ON places (changed);

-- Every word of every name.
CREATE TABLE IF NOT EXISTS place_words (
    word  TEXT NOT NULL,
    place BLOB NOT NULL,
    PRIMARY KEY (word, place)
) WITHOUT ROWID;
