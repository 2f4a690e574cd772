-- Shared by screened.lua and owed.lua: counts, unless one of the resent dead letters was counted in another record.
-- `at`: the index in ARGV of the number of letters that are kept.
local function counted(at)
  local letters, tallied = at + 2, at + 2 + 2 * ARGV[at + 1]
  for i = letters, tallied - 1, 2 do
    local by = redis.call('ZSCORE', KEYS[3], ARGV[i])
    if by and tonumber(by) ~= tonumber(ARGV[i + 1]) then return false end
  end
  for i = letters, tallied - 1, 2 do redis.call('ZADD', KEYS[3], ARGV[i + 1], ARGV[i]) end
  if tallied > letters then redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[at]) end
  for i = tallied, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
  return true
end
