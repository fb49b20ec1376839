-- The scans again, in the order of their positions: what is new, and everything in sequence. No position is 0, so the days
-- are not divided further; but a server keeps the bounds of what a partition is made from, and passes over what is older than
-- a seq. The grain is fine because the other ends of a span of positions are read for each shard.
CREATE TABLE IF NOT EXISTS {scans_by_position} (
    shard       UInt32,
    seq         UInt64,
    alias       UUID,
    id          UUID,
    place       UUID,
    trip        UUID,
    at          DateTime('UTC'),
    received_at DateTime('UTC'),
    kind        UInt8,
    how         UInt8,
    serial      UInt32,
    device      UInt64,
    skew        Int32,
    flags       UInt16,
    voids       UUID
) ENGINE = ReplacingMergeTree
PARTITION BY (toYYYYMMDD(at), seq = 0)
ORDER BY (shard, seq, alias, id)
SETTINGS index_granularity = 1024
SHARDED BY cityHash64(toString(alias));

CREATE MATERIALIZED VIEW IF NOT EXISTS scans_to_position TO {scans_by_position} AS
SELECT shard, seq, alias, id, place, trip, at, received_at, kind, how, serial, device, skew, flags, voids FROM {scans};

-- From here on the view sees every new scan; those that were there before, and perhaps some that it saw, are carried over.
INSERT INTO {scans_by_position} (shard, seq, alias, id, place, trip, at, received_at, kind, how, serial, device, skew, flags, voids)
SELECT shard, seq, alias, id, place, trip, at, received_at, kind, how, serial, device, skew, flags, voids
FROM {scans} WHERE toYYYYMMDD(at) = {day}
ONCE FOR EACH DAY OF {scans};
