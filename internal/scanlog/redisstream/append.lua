#!lua
-- Logs the scans of some shards that were not logged before, in order: those of a shard as one entry of its stream.
--
-- ARGV[1] is for how many seconds a memory lasts from its last addition, ARGV[2] the most scans that a stream may have,
-- ARGV[3] where in a wire form the key begins, ARGV[4] where it ends. For each shard then follow how many memories it has here,
-- how many scans, and the scans: of each the number of its memory (two bytes, from 1), its digest (16 bytes), the length of
-- its wire form (a byte) and that. KEYS are for each shard its stream, its count and its memories: hashes of digests by the
-- scan's key. A count is a hash of how many scans ever came in, and of how many of these the stream was trimmed.
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

-- parse takes the scans of a shard apart.
local function parse(text)
  local scans, at = {}, 1
  while at <= #text do
    local high, low = byte(text, at, at + 1)
    local wire = at + 18 -- after its length
    local past = wire + byte(text, wire) + 1
    scans[#scans + 1] = {
      memory = high * 256 + low,
      digest = sub(text, at + 2, at + 17),
      key = sub(text, wire + first, wire + last),
      wire = sub(text, wire, past - 1),
    }
    at = past
  end
  return scans
end

-- recall returns what the memories, of which the first is KEYS[base + 1], have of some scans: by memory, digests by key.
local function recall(base, memories, scans)
  local asked, seen = {}, {}
  for m = 1, memories do
    asked[m] = {}
  end
  for _, s in ipairs(scans) do
    local keys = asked[s.memory]
    keys[#keys + 1] = s.key
  end
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
local function log(base, memories, scans)
  local seen, fresh = recall(base, memories, scans), {}
  local outcomes, wires = {}, {}
  for i, s in ipairs(scans) do
    local logged = seen[s.memory][s.key]
    if not logged then
      outcomes[i] = 'a'
      wires[#wires + 1] = s.wire
      seen[s.memory][s.key] = s.digest
      local add = fresh[s.memory] or {}
      add[#add + 1] = s.key
      add[#add + 1] = s.digest
      fresh[s.memory] = add
    elseif logged == s.digest then
      outcomes[i] = 'd'
    else
      outcomes[i] = 'c'
    end
  end
  if #wires == 0 then
    return table.concat(outcomes), ''
  end
  local come = call('HINCRBY', KEYS[base], 'in', #wires)
  local id = call('XADD', KEYS[base - 1], '*', 'from', come - #wires, 'b', table.concat(wires))
  -- While the clock is behind an earlier one, all ids have its millisecond, in which there is not room for any number.
  local ms, count = string.match(id, '(%d+)-(%d+)')
  if tonumber(count) > 2000 then
    call('XSETID', KEYS[base - 1], string.format('%.0f-0', tonumber(ms) + 1))
  end
  for m, add in pairs(fresh) do
    call('HSET', KEYS[base + m], unpack(add))
    call('EXPIRE', KEYS[base + m], window)
  end
  return table.concat(outcomes), id
end

local base = 2
for a = 5, #ARGV, 3 do
  local count = call('HMGET', KEYS[base], 'in', 'out')
  if (tonumber(count[1]) or 0) - (tonumber(count[2]) or 0) + tonumber(ARGV[a + 1]) > most then
    return redis.error_reply('FULL the stream is at its limit')
  end
  base = base + 2 + tonumber(ARGV[a])
end
local answers = {}
base = 2
for a = 5, #ARGV, 3 do
  local memories = tonumber(ARGV[a])
  local outcomes, id = log(base, memories, parse(ARGV[a + 2]))
  answers[#answers + 1] = outcomes
  answers[#answers + 1] = id
  base = base + 2 + memories
end
return answers
