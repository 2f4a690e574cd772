-- Count what became of signals that are screened again, once for each record: only if they are still owed, in
-- the Redis that answered when the caller began (see screened.lua).
-- KEYS[1]: the mark of the time at which the partition was brought up, KEYS[2]: the tally, KEYS[3]: dead letters sent
-- again, by the record that counted, KEYS[4]: what is owed, ranges by their first offset.
-- ARGV[1]: the mark, ARGV[2]: which Redis answered, ARGV[3]: the first offset of the range, ARGV[4]: the range as it was
-- read, ARGV[5]: what is left of it ('' when nothing is), ARGV[6]: how many letters are kept, ARGV[7]: how many come
-- now, then letter and offset, and so on; then name and count, and so on.
-- Returns 1 when counted, 0 when something else is owed, or another record has counted for one of the letters.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if current_run() ~= ARGV[2] then return 0 end
if redis.call('HGET', KEYS[4], ARGV[3]) ~= ARGV[4] then return 0 end
if not counted(6) then return 0 end
if ARGV[5] == '' then redis.call('HDEL', KEYS[4], ARGV[3]) else redis.call('HSET', KEYS[4], ARGV[3], ARGV[5]) end
return 1
