#!lua
-- Logs the scans of one shard that were not logged before, in order.
--
-- KEYS[1] is the stream, the other keys are the memories: hashes of digests by the scan's key.
-- ARGV[1] is for how many seconds a memory lasts from its last addition, ARGV[2] the most entries that the stream may have,
-- ARGV[3] where in a wire form the key begins, ARGV[4] where it ends;
-- ARGV[2+3i] says which of KEYS remembers scan i, ARGV[3+3i] is its digest, ARGV[4+3i] its wire form.
-- The answer has for each scan the id of its new entry, or d for the same scan again, or c for another one.
--
-- Without flags Redis refuses the whole script when it is out of memory. Entries are added before their digests are
-- remembered, so that no failure in between can make a scan count as logged that is not. What costs here is the calls:
-- a memory is asked once for all its scans, and told once.
local call, stream, first, last = redis.call, KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local scans = (#ARGV - 4) / 3
if call('XLEN', stream) + scans > tonumber(ARGV[2]) then
  return redis.error_reply('FULL the stream is at its limit')
end
local asked = {} -- the scans' keys, by memory
for m = 2, #KEYS do
  asked[m] = {}
end
local key, memory = {}, {}
for i = 1, scans do
  local m = tonumber(ARGV[2 + 3 * i])
  local k = string.sub(ARGV[4 + 3 * i], first, last)
  key[i], memory[i] = k, m
  asked[m][#asked[m] + 1] = k
end
local seen, fresh = {}, {} -- by memory: digests by key, and what is to be added to it
for m, keys in pairs(asked) do
  local digests = call('HMGET', KEYS[m], unpack(keys))
  local of = {}
  for j, k in ipairs(keys) do
    of[k] = digests[j]
  end
  seen[m], fresh[m] = of, {}
end
local answers = {}
for i = 1, scans do
  local of, k, digest = seen[memory[i]], key[i], ARGV[3 + 3 * i]
  local logged = of[k]
  if not logged then
    answers[i] = call('XADD', stream, '*', 's', ARGV[4 + 3 * i])
    of[k] = digest
    local add = fresh[memory[i]]
    add[#add + 1] = k
    add[#add + 1] = digest
  elseif logged == digest then
    answers[i] = 'd'
  else
    answers[i] = 'c'
  end
end
for m, add in pairs(fresh) do
  if #add > 0 then
    call('HSET', KEYS[m], unpack(add))
    call('EXPIRE', KEYS[m], ARGV[1])
  end
end
return answers
