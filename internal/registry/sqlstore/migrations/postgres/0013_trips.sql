-- The runs of vehicles. ended is 0 where nobody has ended it and no other began. changed is the count of trip_change at which a trip
-- was last changed.
CREATE TABLE IF NOT EXISTS trips (
    id      BYTEA NOT NULL PRIMARY KEY,
    vehicle BYTEA NOT NULL REFERENCES places (id),
    route   TEXT NOT NULL,
    began   BIGINT NOT NULL,
    ended   BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS trips_by_vehicle ON trips (vehicle, began);
CREATE INDEX IF NOT EXISTS trips_by_began ON trips (began);
CREATE INDEX IF NOT EXISTS trips_by_changed ON trips (changed);

-- The one row counts the transactions that changed trips.
CREATE TABLE IF NOT EXISTS trip_change (
    id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    count BIGINT NOT NULL
);

INSERT INTO trip_change (id, count) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
