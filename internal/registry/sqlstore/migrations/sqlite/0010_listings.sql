-- Keys of places, what became of the rows of files, and lists that are read a part at a time.

-- What the files of an organisation call a place, so that its id need not follow from it: ids that follow the time go in far quicker.
-- NULL where no file does, and for places that came before, whose ids do follow from their keys.

ALTER TABLE places ADD COLUMN IF NOT EXISTS file_key TEXT;

CREATE UNIQUE INDEX IF NOT EXISTS places_by_file_key ON places (organisation, file_key) WHERE file_key IS NOT NULL;

-- What became of the rows of a file. Faults are lines of the line, the column and the code of what is wrong, as CSV.
CREATE TABLE IF NOT EXISTS place_files (
    id           BLOB NOT NULL PRIMARY KEY,
    organisation BLOB NOT NULL REFERENCES organisations (id),
    taken        INTEGER NOT NULL,
    added        INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    faults       TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS place_files_by_organisation ON place_files (organisation, taken);

-- Lists are read a part at a time, in these orders.
CREATE INDEX IF NOT EXISTS cases_by_created ON cases (created, id);
CREATE INDEX IF NOT EXISTS runs_by_created ON runs (created, id);
CREATE INDEX IF NOT EXISTS organisations_by_name ON organisations (name, id);
CREATE INDEX IF NOT EXISTS run_cases_by_case ON run_cases (case_id);
