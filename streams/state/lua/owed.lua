-- Count signals that are screened again, once per record: only if the range is still owed, in the Redis that answered
-- when the caller began (see screened.lua).
-- KEYS[1]: the mark of the last bring-up, KEYS[2]: the counts, KEYS[3]: resent dead letters -> the record that counted
-- each, KEYS[4]: the batch that began last, KEYS[5]: owed ranges by their first offset.
-- ARGV[1]: the mark, ARGV[2]: the batch, ARGV[3]: the run that answered, ARGV[4]: the range's first offset, ARGV[5]: the
-- range as it was read, ARGV[6]: the rest of it ('' for none), ARGV[7]: number of letters that are kept, ARGV[8]: number
-- of letters that follow, each with its offset; then pairs of name and count.
-- Returns 1 if counted, 0 if the range has changed, or another record has counted one of the letters.
if not begun_here() then return 0 end
if redis.call('HGET', KEYS[5], ARGV[4]) ~= ARGV[5] then return 0 end
if not counted(7) then return 0 end
if ARGV[6] == '' then redis.call('HDEL', KEYS[5], ARGV[4]) else redis.call('HSET', KEYS[5], ARGV[4], ARGV[6]) end
return 1
