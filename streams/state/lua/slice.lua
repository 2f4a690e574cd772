-- The payments of an account that follow one, and what the watchlist says of it. The one may be gone: it is put back for
-- a moment, so that its place is found.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2], ARGV[3]: the payment's time and the payment, ARGV[4]: how many at most.
-- Returns the value (false: none), and the payments, the oldest first.
local gone = redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[3])
local first = redis.call('ZRANK', KEYS[2], ARGV[3]) + 1
if gone == 1 then
  redis.call('ZREM', KEYS[2], ARGV[3])
  first = first - 1
end
local following = redis.call('ZRANGE', KEYS[2], first, first + tonumber(ARGV[4]) - 1)
return {redis.call('HGET', KEYS[1], ARGV[1]), following}
