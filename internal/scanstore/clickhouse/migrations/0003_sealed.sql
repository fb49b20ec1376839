-- Finished stays, see package sealed: a row is what one place (what = 0) or one person (what = 1), by number, has on one day,
-- as one string. A day of a version is written once.
CREATE TABLE IF NOT EXISTS {sealed_stays} (
    what    UInt8,
    key     UInt32,
    day     Int32,
    version UInt64,
    stays   String
) ENGINE = MergeTree
PARTITION BY (day, version)
ORDER BY (what, key)
SETTINGS index_granularity = 16
SHARDED BY intHash32(key);

-- The numbers that a pass gave: to people (what = 1) and places (what = 0).
CREATE TABLE IF NOT EXISTS {sealed_numbers} (
    pass   UInt64,
    what   UInt8,
    number UInt32,
    id     UUID,
    trip   UUID
) ENGINE = MergeTree
ORDER BY (pass, what, number)
SHARDED BY pass;

-- The world that stays were derived with: the places (what = 0, with what they lie in and their dwell) of a pass that found
-- them changed, and the person of each alias (what = 1) that a pass found linked anew.
CREATE TABLE IF NOT EXISTS {sealed_world} (
    pass  UInt64,
    what  UInt8,
    id    UUID,
    other UUID,
    dwell Int64
) ENGINE = MergeTree
ORDER BY (what, id, pass)
SHARDED BY pass;

-- The passes that were finished, each made of the one before.
CREATE TABLE IF NOT EXISTS {sealed_passes} (
    pass     UInt64,
    previous UInt64,
    body     String
) ENGINE = MergeTree
ORDER BY pass
SHARDED BY pass;
