#!lua flags=allow-oom
-- Drops the entries of a stream before one, and notes how many scans were in those.
--
-- It gives memory back, so it may run when there is none.
-- KEYS[1] is the stream, KEYS[2] its count: see append.lua. ARGV[1] is the id of the first entry that stays.
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
local left = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local out = redis.call('HGET', KEYS[2], 'in')
if left then
  local fields = left[2]
  out = fields[1] == 'from' and fields[2]
end
if out then
  redis.call('HSET', KEYS[2], 'out', out)
end
return 0
