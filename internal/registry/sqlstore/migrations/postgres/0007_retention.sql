-- What is let go when its time is over, and by whom; and the audit log by what auditors look for.

-- Who stands in the list of a run.
CREATE TABLE IF NOT EXISTS run_people (
    person BYTEA NOT NULL,
    run    BYTEA NOT NULL REFERENCES runs (id),
    PRIMARY KEY (person, run)
);

CREATE INDEX IF NOT EXISTS run_people_by_run ON run_people (run);

-- Those of the lists of before stand in their reports.
INSERT INTO run_people (person, run)
SELECT decode(replace(contact ->> 'person', '-', ''), 'hex'), runs.id
FROM runs, jsonb_array_elements(convert_from(runs.report, 'UTF8')::jsonb -> 'contacts') AS contact
ON CONFLICT (person, run) DO NOTHING;

CREATE INDEX IF NOT EXISTS run_cases_by_case ON run_cases (case_id);

-- Who may do, alone, what is named; and when it was last done.
CREATE TABLE IF NOT EXISTS turns (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder     BYTEA NOT NULL,
    held_until BIGINT NOT NULL,
    done       BIGINT NOT NULL
);

-- Which version of the notice somebody has accepted who registered a phone number.
CREATE TABLE IF NOT EXISTS notices (
    alias    BYTEA NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    accepted BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS audit_by_actor ON audit (actor, seq);
CREATE INDEX IF NOT EXISTS audit_by_action ON audit (action, seq);
CREATE INDEX IF NOT EXISTS audit_by_subject ON audit (subject, seq);
CREATE INDEX IF NOT EXISTS audit_by_entered ON audit (entered, seq);
