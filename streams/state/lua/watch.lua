-- Write a watchlist entry if the stored one is the one that its writer read, then read the account's first payers.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2]: the value read ('' for none), ARGV[3]: the new value, ARGV[4]: the time from which
-- payments are returned ('' for none), ARGV[5]: the most payments to return.
-- Returns false if another value is stored, else the payments, oldest first.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return false end
if ARGV[3] ~= ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
if ARGV[4] == '' then return {} end
return redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[4], '+inf', 'LIMIT', 0, ARGV[5])
