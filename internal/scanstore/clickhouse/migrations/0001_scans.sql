-- The scans, in the order of the people. Rows of one position are one row, however often they were inserted; readers
-- tolerate those that are not merged yet.
CREATE TABLE IF NOT EXISTS {scans} (
    alias       UUID,
    at          DateTime('UTC'),
    id          UUID,
    shard       UInt32,
    seq         UInt64,
    place       UUID,
    trip        UUID,
    received_at DateTime('UTC'),
    kind        UInt8,
    how         UInt8,
    serial      UInt32,
    device      UInt64,
    skew        Int32,
    flags       UInt16,
    voids       UUID
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (alias, at, id, shard, seq)
SHARDED BY cityHash64(toString(alias));

-- Who was scanned where, in the order of the places: what finds the people of a place.
CREATE TABLE IF NOT EXISTS {scans_by_place} (
    place UUID,
    at    DateTime('UTC'),
    alias UUID,
    trip  UUID,
    shard UInt32,
    seq   UInt64
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(at)
ORDER BY (place, at, alias, trip, shard, seq)
SHARDED BY cityHash64(toString(alias));

CREATE MATERIALIZED VIEW IF NOT EXISTS scans_to_place TO {scans_by_place} AS
SELECT place, at, alias, trip, shard, seq FROM {scans};
