-- Which store this is: the least id of the table, put there when it is first asked for.
CREATE TABLE IF NOT EXISTS {identity} (
    id UUID
) ENGINE = MergeTree
ORDER BY id
SHARDED BY cityHash64(toString(id));
