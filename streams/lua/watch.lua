-- Write an entry of the watchlist unless a greater one is there, then read who paid the account.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2]: how many characters of the value are its order (digits: the greater wins),
-- ARGV[3]: the value, ARGV[4]: the time from which payers are asked for ('' for none).
-- Returns the value that stood there (false: none), the one that stands there now, the payers.
local digits = tonumber(ARGV[2])
local old = redis.call('HGET', KEYS[1], ARGV[1])
local now = old
if not old or string.sub(ARGV[3], 1, digits) > string.sub(old, 1, digits) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  now = ARGV[3]
end
local payers = {}
if ARGV[4] ~= '' then payers = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[4], '+inf') end
return {old, now, payers}
