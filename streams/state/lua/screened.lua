-- Count signals, once per record: only if the partition is at the position that the caller read, in the Redis that
-- answered then. A Redis that replaced it may lack what the caller has written since.
-- KEYS[1]: the mark of the last bring-up, KEYS[2]: the counts, KEYS[3]: resent dead letters -> the record that counted
-- each, KEYS[4]: the offset screened last.
-- ARGV[1]: the mark, ARGV[2]: the run that answered, ARGV[3]: the expected offset ('' for none), ARGV[4]: the new one,
-- ARGV[5]: number of letters that are kept, ARGV[6]: number of letters that follow, each with its offset; then pairs of
-- name and count.
-- Returns 1 if counted, 0 if the position differs, or another record has counted one of the letters.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if current_run() ~= ARGV[2] then return 0 end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[3] then return 0 end
if not counted(5) then return 0 end
redis.call('SET', KEYS[4], ARGV[4])
return 1
