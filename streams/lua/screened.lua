-- Count what became of signals, once for each record: only if the partition stands where the caller took it up.
-- KEYS[1]: the offset screened last, KEYS[2]: the tally, KEYS[3]: dead letters sent again, by the record that counted.
-- ARGV[1]: the offset expected ('' when there is none), ARGV[2]: the new one, ARGV[3]: how many letters are kept,
-- ARGV[4]: how many come now, then letter and offset, and so on; then name and count, and so on.
-- Returns 1 when counted, 0 when the partition stood elsewhere.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
local tallied = 5 + 2 * ARGV[4]
for i = 5, tallied - 1, 2 do redis.call('ZADD', KEYS[3], 'NX', ARGV[i + 1], ARGV[i]) end
if tallied > 5 then redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[3]) end
for i = tallied, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], ARGV[2])
return 1
