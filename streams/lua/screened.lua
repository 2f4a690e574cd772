-- Count what became of signals, once for each record: only if the partition stands where the caller took it up.
-- KEYS[1]: the offset screened last, KEYS[2]: the tally.
-- ARGV[1]: the offset expected ('' when there is none), ARGV[2]: the new one, then name and count, and so on.
-- Returns 1 when counted, 0 when the partition stood elsewhere.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[1], ARGV[2])
return 1
