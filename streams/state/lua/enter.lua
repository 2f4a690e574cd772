-- Restore an entry of the watchlist, unless a greater one is stored.
-- KEYS[1]: the watchlist. ARGV[1]: the field, ARGV[2]: length of the value's sort order (leading digits; the greater
-- one wins), ARGV[3]: the value. Returns 0 if the stored entry stays.
local old = redis.call('HGET', KEYS[1], ARGV[1])
local digits = tonumber(ARGV[2])
if old and string.sub(ARGV[3], 1, digits) <= string.sub(old, 1, digits) then return 0 end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
