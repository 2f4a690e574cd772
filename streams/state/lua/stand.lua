-- Have a partition of signals stand in this Redis: only if it stands where the caller saw it.
-- KEYS[1]: the offset screened last, KEYS[2]: the Redis in which it stands, KEYS[3]: the mark of this time, KEYS[4]: what
-- is owed, ranges by their first offset.
-- ARGV[1]: the offset expected ('' when there is none), ARGV[2]: the new one, ARGV[3]: which Redis this is, ARGV[4]: the
-- mark; then, if something is owed, the range's first offset and the range.
-- Returns 1 when it stands, 0 when it stood elsewhere.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[1] == '' then redis.call('DEL', KEYS[4]) end
if ARGV[5] then redis.call('HSET', KEYS[4], ARGV[5], ARGV[6]) end
redis.call('MSET', KEYS[1], ARGV[2], KEYS[2], ARGV[3], KEYS[3], ARGV[4])
return 1
