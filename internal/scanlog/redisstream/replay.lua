#!lua
-- Puts a dead letter back into the stream, once.
--
-- KEYS[1] is the stream, KEYS[2] the stream of dead letters, KEYS[3] the memory of the scan, KEYS[4] the count: see append.lua.
-- ARGV[1] is the id of the letter, ARGV[2] the scan's wire form, ARGV[3] its digest, ARGV[4] for how many seconds a memory
-- lasts, ARGV[5] the most scans that the stream may have, ARGV[6] the scan's key.
-- The answer is the id of the new entry, gone where there is no such letter any more, or c where another scan was logged
-- under this id.
--
-- Without flags Redis refuses the whole script when it is out of memory. The entry is added before the letter goes, so that
-- no failure in between can lose it.
local count = redis.call('HMGET', KEYS[4], 'in', 'out')
if (tonumber(count[1]) or 0) - (tonumber(count[2]) or 0) >= tonumber(ARGV[5]) then
  return redis.error_reply('FULL the stream is at its limit')
end
if #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then
  return 'gone'
end
local logged = redis.call('HGET', KEYS[3], ARGV[6])
if logged and logged ~= ARGV[3] then
  return 'c'
end
local came = redis.call('HINCRBY', KEYS[4], 'in', 1)
local id = redis.call('XADD', KEYS[1], '*', 'from', came - 1, 'b', string.char(#ARGV[2]) .. ARGV[2])
redis.call('HSET', KEYS[3], ARGV[6], ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('XDEL', KEYS[2], ARGV[1])
return id
