-- Count what became of signals, once for each record: only if the partition stands where the caller took it up.
-- KEYS[1]: the mark of the time at which the partition was brought up, KEYS[2]: the tally, KEYS[3]: dead letters sent
-- again, by the record that counted, KEYS[4]: the offset screened last.
-- ARGV[1]: the mark, ARGV[2]: the offset expected ('' when there is none), ARGV[3]: the new one, ARGV[4]: how many
-- letters are kept, ARGV[5]: how many come now, then letter and offset, and so on; then name and count, and so on.
-- Returns 1 when counted, 0 when the partition stands elsewhere, or another record has counted for one of the letters.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[2] then return 0 end
if not counted(4) then return 0 end
redis.call('SET', KEYS[4], ARGV[3])
return 1
