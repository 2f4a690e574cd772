-- What the watchlist says of a suspect, and how many have paid the account.
-- KEYS[1]: the watchlist, KEYS[2]: the account's payers.
-- ARGV[1]: the field, ARGV[2]: the time from which payments count ('' for none), ARGV[3], ARGV[4]: payers are told apart
-- when there are more payments than the first and no more than the second.
-- Returns the value (false: none), how many payments, how many payers (0 when they are not told apart).
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
