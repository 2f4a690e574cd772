-- The fence: the commands run only if the partition stands at the offset the caller decided from.
-- A Redis that is not the one it stood under may have lost its latest commits: then nothing moves on until that is made
-- good, and a partition built anew stands under the Redis that has it.
-- It does not move on past entries that an earlier commit left in the outbox: lost with this Redis, their inputs would
-- lie before the offset, and nobody would decide them again.
-- KEYS: the partition's keys in the order of streams/state/keys.py; KEYS[1] is the hash with the field `offset`, or
-- `rebuilding` while there is none.
-- ARGV[1]: the offset expected, or who rebuilds and how far ('' when there is neither), ARGV[2]: the new offset
-- ('' to leave it), ARGV[3]: the run that the epoch names ('' where none is kept), then commands: how many arguments
-- follow, the command, the number of its key, the arguments.
-- Returns 'ok', 'epoch' when another Redis leads, or what was found instead.
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
