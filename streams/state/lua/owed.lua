-- Count signals that are screened again, once per record: only if the range is still owed, in the Redis that answered
-- when the caller began (see screened.lua).
-- KEYS[1]: the mark of the last bring-up, KEYS[2]: the counts, KEYS[3]: resent dead letters -> the record that counted
-- each, KEYS[4]: owed ranges by their first offset.
-- ARGV[1]: the mark, ARGV[2]: the run that answered, ARGV[3]: the range's first offset, ARGV[4]: the range as it was
-- read, ARGV[5]: the rest of it ('' for none), ARGV[6]: number of letters that are kept, ARGV[7]: number of letters
-- that follow, each with its offset; then pairs of name and count.
-- Returns 1 if counted, 0 if the range has changed, or another record has counted one of the letters.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if current_run() ~= ARGV[2] then return 0 end
if redis.call('HGET', KEYS[4], ARGV[3]) ~= ARGV[4] then return 0 end
if not counted(6) then return 0 end
if ARGV[5] == '' then redis.call('HDEL', KEYS[4], ARGV[3]) else redis.call('HSET', KEYS[4], ARGV[3], ARGV[5]) end
return 1
