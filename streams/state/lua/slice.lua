-- Read the payments of an account after a given one, and the account's watchlist entry. If the given payment is gone,
-- it is inserted for a moment to find its place.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2], ARGV[3]: the payment's time and value, ARGV[4]: the most payments to return.
-- Returns the entry (false for none) and the payments, oldest first.
local gone = redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[3])
local first = redis.call('ZRANK', KEYS[2], ARGV[3]) + 1
if gone == 1 then
  redis.call('ZREM', KEYS[2], ARGV[3])
  first = first - 1
end
local following = redis.call('ZRANGE', KEYS[2], first, first + tonumber(ARGV[4]) - 1)
return {redis.call('HGET', KEYS[1], ARGV[1]), following}
