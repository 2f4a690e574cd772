-- Have a partition of signals stand in this Redis: only if it stands where the caller saw it, and the store was not lost
-- since.
-- KEYS[1]: the offset screened last, KEYS[2]: the Redis in which it stands, KEYS[3]: the mark of this time, KEYS[4]: what
-- is owed, ranges by their first offset, KEYS[5]: the name of the store's life.
-- ARGV[1]: the offset expected ('' when there is none), ARGV[2]: the new one, ARGV[3]: which Redis this is, ARGV[4]: the
-- mark, ARGV[5]: the life that the caller saw; then, if something is owed, the range's first offset and the range.
-- Returns 1 when it stands, 0 when it stood elsewhere or has another life.
if redis.call('GET', KEYS[5]) ~= ARGV[5] then return 0 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[1] == '' then redis.call('DEL', KEYS[4]) end
if ARGV[6] then redis.call('HSET', KEYS[4], ARGV[6], ARGV[7]) end
redis.call('MSET', KEYS[1], ARGV[2], KEYS[2], ARGV[3], KEYS[3], ARGV[4])
return 1
