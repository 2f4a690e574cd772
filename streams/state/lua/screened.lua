-- Count what became of signals, once for each record: only if the partition stands where the caller took it up, and in
-- the Redis that answered then. What the caller has written since may be missing in the one that took its place.
-- KEYS[1]: the mark of the time at which the partition was brought up, KEYS[2]: the tally, KEYS[3]: dead letters sent
-- again, by the record that counted, KEYS[4]: the offset screened last.
-- ARGV[1]: the mark, ARGV[2]: which Redis answered, ARGV[3]: the offset expected ('' when there is none), ARGV[4]: the
-- new one, ARGV[5]: how many letters are kept, ARGV[6]: how many come now, then letter and offset, and so on; then name
-- and count, and so on.
-- Returns 1 when counted, 0 when the partition stands elsewhere, or another record has counted for one of the letters.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if current_run() ~= ARGV[2] then return 0 end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[3] then return 0 end
if not counted(5) then return 0 end
redis.call('SET', KEYS[4], ARGV[4])
return 1
