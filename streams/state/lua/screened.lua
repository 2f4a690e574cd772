-- Count signals, once per record: only if the partition is at the position that the caller read, in the Redis that
-- answered then. A Redis that replaced it, or went back to an older state, may lack what the caller has written since.
-- KEYS[1]: the mark of the last bring-up, KEYS[2]: the counts, KEYS[3]: resent dead letters -> the record that counted
-- each, KEYS[4]: the batch that began last, KEYS[5]: the offset screened last.
-- ARGV[1]: the mark, ARGV[2]: the batch, ARGV[3]: the run that answered, ARGV[4]: the expected offset ('' for none),
-- ARGV[5]: the new one, ARGV[6]: number of letters that are kept, ARGV[7]: number of letters that follow, each with its
-- offset; then pairs of name and count.
-- Returns 1 if counted, 0 if the position differs, or another record has counted one of the letters.
if not begun_here() then return 0 end
if (redis.call('GET', KEYS[5]) or '') ~= ARGV[4] then return 0 end
if not counted(6) then return 0 end
redis.call('SET', KEYS[5], ARGV[5])
return 1
