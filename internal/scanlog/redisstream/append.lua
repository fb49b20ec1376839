#!lua
-- Logs the scans of one shard that were not logged before, in order.
--
-- KEYS[1] is the stream, KEYS[1+i] the key under which the digest of scan i is remembered.
-- ARGV[1] is for how many seconds, ARGV[2] the most entries that the stream may have,
-- ARGV[1+2i] the digest of scan i, ARGV[2+2i] its wire form.
-- The answer has for each scan the id of its new entry, or d for the same scan again, or c for another one.
--
-- Without flags Redis refuses the whole script when it is out of memory. The entry is added before its digest is
-- remembered, so that no failure in between can make a scan count as logged that is not.
local scans = #KEYS - 1
if redis.call('XLEN', KEYS[1]) + scans > tonumber(ARGV[2]) then
  return redis.error_reply('FULL the stream is at its limit')
end
local seen = redis.call('MGET', unpack(KEYS, 2))
local added = {} -- digests that this run has remembered, by key
local answers = {}
for i = 1, scans do
  local key, digest = KEYS[1 + i], ARGV[1 + 2 * i]
  local logged = seen[i] or added[key]
  if not logged then
    answers[i] = redis.call('XADD', KEYS[1], '*', 's', ARGV[2 + 2 * i])
    redis.call('SET', key, digest, 'EX', ARGV[1])
    added[key] = digest
  elseif logged == digest then
    answers[i] = 'd'
  else
    answers[i] = 'c'
  end
end
return answers
