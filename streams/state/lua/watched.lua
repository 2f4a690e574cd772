-- Return a suspect's watchlist entry, and how many payments and payers the account has.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2]: the time from which payments count ('' for none), ARGV[3], ARGV[4]: payers are counted
-- if there are more payments than ARGV[3] and at most ARGV[4].
-- Returns the value (false for none), the number of payments, and the number of payers (0 if not counted).
local value = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '' then return {value, 0, 0} end
local payments = redis.call('ZCOUNT', KEYS[2], ARGV[2], '+inf')
if payments <= tonumber(ARGV[3]) or payments > tonumber(ARGV[4]) then return {value, payments, 0} end
local seen, payers = {}, 0
for _, payment in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[2], '+inf')) do
  local payer = string.match(payment, '^[^|]*')
  if not seen[payer] then
    seen[payer] = true
    payers = payers + 1
  end
end
return {value, payments, payers}
