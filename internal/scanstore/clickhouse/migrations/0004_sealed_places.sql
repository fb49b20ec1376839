-- The places that stays were derived with, of a pass that found them changed: what they lie in, their dwell and their area. Those
-- of earlier passes stood in sealed_world, without areas: what was derived with them is derived anew.
CREATE TABLE IF NOT EXISTS {sealed_places} (
    pass   UInt64,
    id     UUID,
    parent UUID,
    dwell  Int64,
    area   String
) ENGINE = MergeTree
ORDER BY (pass, id)
SHARDED BY pass;
