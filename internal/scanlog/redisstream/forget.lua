#!lua flags=allow-oom
-- Deletes the workers of a group that have been silent for long and have nothing pending, and answers how many.
--
-- KEYS[1] is the stream, ARGV[1] the group, ARGV[2] the worker that is never deleted, ARGV[3] after how many milliseconds.
--
-- It is one script because deleting a worker deletes what is pending with it: nothing may be given to it in between.
-- It takes no memory, so it may run when there is none.
local forgotten = 0
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local worker = {}
  for i = 1, #fields, 2 do
    worker[fields[i]] = fields[i + 1]
  end
  if worker.name ~= ARGV[2] and worker.pending == 0 and worker.idle >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], worker.name)
    forgotten = forgotten + 1
  end
end
return forgotten
