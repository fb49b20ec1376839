#!lua
-- Logs the scans of some shards that were not logged before, in order: those of a shard as one entry of its stream.
--
-- ARGV[1] is for how many seconds a memory lasts from its last addition, ARGV[2] the most scans that a stream may have,
-- ARGV[3] where in a wire form the key begins, ARGV[4] where it ends. For each shard then follow how many memories it has here,
-- how many scans, the number of each scan's memory (two bytes, from 1), their digests (16 bytes each) and their wire forms, each
-- after its length in a byte. KEYS are for each shard its stream, its count and its memories: hashes of digests by the scan's
-- key. A count is a hash of how many scans ever came in, and of how many of these the stream was trimmed.
--
-- The answer has for each shard, one after the other, a letter for each scan (a accepted, d the same scan again, c another
-- one under this id), and the id of the entry, empty where nothing was accepted. An entry has the fields from, how many scans
-- came in before it, and b, the wire forms one after the other, each after its length.
--
-- Without flags Redis refuses the whole script when it is out of memory. Entries are added before their digests are
-- remembered, so that no failure in between can make a scan count as logged that is not. What costs here is the calls:
-- a memory is asked once for all its scans, and told once.
local call, byte, sub = redis.call, string.byte, string.sub
local window, most, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- recall returns what the memories, of which the first is KEYS[base + 1], have: by memory, digests by key. Asked has the keys
-- that each is asked for.
local function recall(base, asked)
  local seen = {}
  for m, keys in ipairs(asked) do
    local digests, of = call('HMGET', KEYS[base + m], unpack(keys)), {}
    for j, k in ipairs(keys) do
      of[k] = digests[j]
    end
    seen[m] = of
  end
  return seen
end

-- log logs the scans of a shard, of which the stream is KEYS[base - 1].
local function log(base, memories, scans, numbers, digests, wires)
  local key, memory, start, asked, fresh = {}, {}, { 1 }, {}, {}
  for m = 1, memories do
    asked[m], fresh[m] = {}, {}
  end
  for i = 1, scans do
    local at, high, low = start[i], byte(numbers, 2 * i - 1, 2 * i)
    local m, k = high * 256 + low, sub(wires, at + first, at + last)
    local keys = asked[m]
    key[i], memory[i], keys[#keys + 1] = k, m, k
    start[i + 1] = at + 1 + byte(wires, at)
  end
  local seen, outcomes, accepted = recall(base, asked), {}, {}
  for i = 1, scans do
    local of, k, digest = seen[memory[i]], key[i], sub(digests, 16 * i - 15, 16 * i)
    local logged = of[k]
    if not logged then
      outcomes[i] = 'a'
      accepted[#accepted + 1] = i
      of[k] = digest
      local add = fresh[memory[i]]
      add[#add + 1] = k
      add[#add + 1] = digest
    elseif logged == digest then
      outcomes[i] = 'd'
    else
      outcomes[i] = 'c'
    end
  end
  if #accepted == 0 then
    return table.concat(outcomes), ''
  end
  if #accepted < scans then
    for j, i in ipairs(accepted) do
      accepted[j] = sub(wires, start[i], start[i + 1] - 1)
    end
    wires = table.concat(accepted)
  end
  local come = call('HINCRBY', KEYS[base], 'in', #accepted)
  local id = call('XADD', KEYS[base - 1], '*', 'from', come - #accepted, 'b', wires)
  -- While the clock is behind an earlier one, all ids have its millisecond, in which there is not room for any number.
  local ms, count = string.match(id, '(%d+)-(%d+)')
  if tonumber(count) > 2000 then
    call('XSETID', KEYS[base - 1], string.format('%.0f-0', tonumber(ms) + 1))
  end
  for m, add in ipairs(fresh) do
    if #add > 0 then
      call('HSET', KEYS[base + m], unpack(add))
      call('EXPIRE', KEYS[base + m], window)
    end
  end
  return table.concat(outcomes), id
end

local base = 2
for a = 5, #ARGV, 5 do
  local count = call('HMGET', KEYS[base], 'in', 'out')
  if (tonumber(count[1]) or 0) - (tonumber(count[2]) or 0) + tonumber(ARGV[a + 1]) > most then
    return redis.error_reply('FULL the stream is at its limit')
  end
  base = base + 2 + tonumber(ARGV[a])
end
local answers = {}
base = 2
for a = 5, #ARGV, 5 do
  local memories = tonumber(ARGV[a])
  local outcomes, id = log(base, memories, tonumber(ARGV[a + 1]), ARGV[a + 2], ARGV[a + 3], ARGV[a + 4])
  answers[#answers + 1] = outcomes
  answers[#answers + 1] = id
  base = base + 2 + memories
end
return answers
