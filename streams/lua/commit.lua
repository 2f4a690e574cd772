-- The fence: the commands run only if the partition stands at the offset the caller decided from.
-- KEYS: the partition's keys; KEYS[1] is the hash with the field `offset`, or `rebuilding` while there is none.
-- ARGV[1]: the offset expected, or who rebuilds and how far ('' when there is neither), ARGV[2]: the new offset
-- ('' to leave it), then commands: how many arguments follow, the command, the number of its key, the arguments.
-- Returns 'ok', or what was found instead.
local stored = redis.call('HGET', KEYS[1], 'offset') or redis.call('HGET', KEYS[1], 'rebuilding') or ''
if stored ~= ARGV[1] then return stored end
local i = 3
while i <= #ARGV do
  local count = tonumber(ARGV[i])
  redis.call(ARGV[i + 1], KEYS[tonumber(ARGV[i + 2])], unpack(ARGV, i + 3, i + 2 + count))
  i = i + 3 + count
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'offset', ARGV[2]) end
return 'ok'
