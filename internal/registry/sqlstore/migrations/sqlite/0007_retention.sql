-- What is let go when its time is over, and by whom; and the audit log by what auditors look for.

-- Who stands in the list of a run.
CREATE TABLE IF NOT EXISTS run_people (
    person BLOB NOT NULL,
    run    BLOB NOT NULL REFERENCES runs (id),
    PRIMARY KEY (person, run)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS run_people_by_run ON run_people (run);

-- Those of the lists of before stand in their reports.
INSERT INTO run_people (person, run)
SELECT unhex(replace(json_extract(contact.value, '$.person'), '-', '')), runs.id
FROM runs, json_each(CAST(runs.report AS TEXT), '$.contacts') AS contact
WHERE true ON CONFLICT (person, run) DO NOTHING;

CREATE INDEX IF NOT EXISTS run_cases_by_case ON run_cases (case_id);

-- Who may do, alone, what is named; and when it was last done.
CREATE TABLE IF NOT EXISTS turns (
    name       TEXT NOT NULL PRIMARY KEY,
    holder     BLOB NOT NULL,
    held_until INTEGER NOT NULL,
    done       INTEGER NOT NULL
) WITHOUT ROWID;

-- Which version of the notice somebody has accepted who registered a phone number.
CREATE TABLE IF NOT EXISTS notices (
    alias    BLOB NOT NULL PRIMARY KEY,
    version  INTEGER NOT NULL,
    accepted INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS audit_by_actor ON audit (actor, seq);
CREATE INDEX IF NOT EXISTS audit_by_action ON audit (action, seq);
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (subject, seq);
CREATE INDEX IF NOT EXISTS audit_by_entered ON audit (entered, seq);
