-- The runs of vehicles. ended is 0 where nobody has ended it and no other began. changed is the count of trip_change at which a trip
-- was last changed.
CREATE TABLE IF NOT EXISTS trips (
    id      BLOB NOT NULL PRIMARY KEY,
    vehicle BLOB NOT NULL REFERENCES places (id),
    route   TEXT NOT NULL,
    began   INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    changed INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS trips_by_vehicle ON trips (vehicle, began);
CREATE INDEX IF NOT EXISTS trips_by_began ON trips (began);
CREATE INDEX IF NOT EXISTS trips_by_changed ON trips (changed);

-- The one row counts the transactions that changed trips.
CREATE TABLE IF NOT EXISTS trip_change (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
);

INSERT INTO trip_change (id, count) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
