-- Keep payments for the case that their payee is confirmed later, then read the watchlist: see design, fan-out.
-- KEYS[1]: the watchlist, KEYS[2..]: the payees' lists of payers.
-- ARGV[1]: milliseconds after which a list is forgotten; then for each list: how many payments, and for each of them
-- its time, the time before which older ones go, the payment; then the watchlist's fields that are asked for.
-- Returns the fields' values.
local at = 2
for k = 2, #KEYS do
  local count = tonumber(ARGV[at])
  for i = at + 1, at + 3 * count, 3 do
    redis.call('ZADD', KEYS[k], ARGV[i], ARGV[i + 2])
    redis.call('ZREMRANGEBYSCORE', KEYS[k], '-inf', '(' .. ARGV[i + 1])
  end
  redis.call('PEXPIRE', KEYS[k], ARGV[1])
  at = at + 1 + 3 * count
end
local found = {}
for i = at, #ARGV do
  found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return found
