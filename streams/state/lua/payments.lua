-- Store payments in case their payee is confirmed as a suspect later, then read the watchlist.
-- KEYS[1]: the watchlist, KEYS[2..]: the payees' lists of payers.
-- ARGV[1]: ms for which a payment is kept, ARGV[2]: the same in wall-clock ms, ARGV[3]: now in ms, ARGV[4]: the most
-- old payments that this script removes from all lists together; then for each list: the number of payments, and for
-- each of them its time and value; then the watchlist fields to read.
-- A payment with a future date does not make today's old.
-- Returns the fields' values.
local kept, now, budget, at = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]), 5
for k = 2, #KEYS do
  local count = tonumber(ARGV[at])
  for i = at + 1, at + 2 * count, 2 do
    redis.call('ZADD', KEYS[k], ARGV[i], ARGV[i + 1])
    if budget > 0 then
      local oldest = math.min(tonumber(ARGV[i]), now) - kept
      local old = math.min(budget, redis.call('ZCOUNT', KEYS[k], '-inf', string.format('(%.0f', oldest)))
      if old > 0 then redis.call('ZREMRANGEBYRANK', KEYS[k], 0, old - 1) end
      budget = budget - old
    end
  end
  redis.call('PEXPIRE', KEYS[k], ARGV[2])
  at = at + 1 + 2 * count
end
local found = {}
for i = at, #ARGV do
  found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return found
