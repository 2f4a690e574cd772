-- Restore an entry of the watchlist, unless a greater one is stored.
-- KEYS[1]: the watchlist. ARGV[1]: the field, ARGV[2]: length of the value's sort order (leading digits; the greater
-- one wins), ARGV[3]: the value. Returns 1 if this value is stored now, 0 if another one stays.
local old = redis.call('HGET', KEYS[1], ARGV[1])
local digits = tonumber(ARGV[2])
if old == ARGV[3] then return 1 end
if old and string.sub(ARGV[3], 1, digits) <= string.sub(old, 1, digits) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
