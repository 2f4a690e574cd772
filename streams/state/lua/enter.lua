-- Put an entry of the watchlist back, unless a greater one is there.
-- KEYS[1]: the watchlist. ARGV[1]: the field, ARGV[2]: how many characters of the value are its order (digits: the
-- greater wins), ARGV[3]: the value.
local old = redis.call('HGET', KEYS[1], ARGV[1])
local digits = tonumber(ARGV[2])
if old and string.sub(ARGV[3], 1, digits) <= string.sub(old, 1, digits) then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
