-- Write an entry of the watchlist if the one before is what its writer has seen, then read the first who paid the account.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2]: the value seen ('' for none), ARGV[3]: the new value, ARGV[4]: the time from which payments
-- are asked for ('' for none), ARGV[5]: how many at most.
-- Returns false when another value stands there, else the payments, the oldest first.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return false end
if ARGV[3] ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
if ARGV[4] == '' then return {} end
return redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[4], '+inf', 'LIMIT', 0, ARGV[5])
