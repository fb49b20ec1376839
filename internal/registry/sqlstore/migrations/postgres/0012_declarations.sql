-- What people declare of themselves, the forms that they do it with, and which places ask for it.

-- When a detail was said that is kept no longer than scans of that time, 0 for those that stay with their person.
ALTER TABLE sealed ADD COLUMN IF NOT EXISTS made BIGINT NOT NULL DEFAULT 0;

CREATE INDEX IF NOT EXISTS sealed_by_made ON sealed (made) WHERE made > 0;

-- Every version of every form that was ever given out.
CREATE TABLE IF NOT EXISTS forms (
    name    TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (name, version)
);

-- The form that a place asks for; empty where the place around it says so.
ALTER TABLE places ADD COLUMN IF NOT EXISTS form TEXT NOT NULL DEFAULT '';
