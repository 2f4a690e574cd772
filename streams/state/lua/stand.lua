-- Set a signal partition's position in this Redis: only if it is the one that the caller read, and the store was not
-- lost since.
-- KEYS[1]: the offset screened last, KEYS[2]: the run in which it stands, KEYS[3]: the mark of this bring-up, KEYS[4]:
-- owed ranges by their first offset, KEYS[5]: the store's random name.
-- ARGV[1]: the expected offset ('' for none), ARGV[2]: the new one, ARGV[3]: the run of this Redis, ARGV[4]: the mark,
-- ARGV[5]: the store's name as the caller read it; then, if a range is owed, its first offset and the range.
-- Returns 1 if the position was set, 0 if the position or the store's name differs.
if redis.call('GET', KEYS[5]) ~= ARGV[5] then return 0 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[1] == '' then redis.call('DEL', KEYS[4]) end
if ARGV[6] then redis.call('HSET', KEYS[4], ARGV[6], ARGV[7]) end
redis.call('MSET', KEYS[1], ARGV[2], KEYS[2], ARGV[3], KEYS[3], ARGV[4])
return 1
