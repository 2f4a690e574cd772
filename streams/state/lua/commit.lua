-- The fence: runs the commands only if the partition is at the offset from which the caller decided.
-- A Redis other than the one under which the partition stood may lack its latest commits: the offset does not move
-- until that is resolved, while a rebuilt partition stands under the Redis that has it.
-- The offset does not move past entries that an earlier commit left in the outbox: if this Redis were lost, their
-- inputs would be before the offset, and nobody would decide them again.
-- KEYS: the partition's keys in the order of streams/state/keys.py; KEYS[1] is the hash with the field `offset`, or
-- `rebuilding` while there is no offset.
-- ARGV[1]: the expected offset, or the progress of the rebuild ('' for neither), ARGV[2]: the new offset ('' to keep
-- it), ARGV[3]: the run that the epoch names ('' without epochs), then commands: the number of arguments, the command,
-- the index of its key, the arguments.
-- Returns 'ok', 'epoch' if another Redis leads, 'older', 'unpublished', or the value found instead of the expected one.
local run = current_run()
if ARGV[3] ~= '' and ARGV[3] ~= run then return 'epoch' end
local stands = redis.call('HMGET', KEYS[1], 'offset', 'run', 'rebuilding')
local stored = stands[1] or stands[3] or ''
if stored ~= ARGV[1] then return stored end
local moves = ARGV[2] ~= ''
if moves and stands[1] and stands[2] ~= run then return 'older' end
if moves and stands[1] and redis.call('EXISTS', KEYS[8]) == 1 then return 'unpublished' end
local i = 4
while i <= #ARGV do
  local count = tonumber(ARGV[i])
  redis.call(ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])], unpack(ARGV, i + 3, i + 2 + count))
  i = i + 3 + count
end
if moves then redis.call('HSET', KEYS[1], 'offset', ARGV[2], 'run', run) end
return 'ok'
