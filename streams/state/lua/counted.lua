-- Shared by screened.lua and owed.lua.
-- Whether the caller's batch is the last one that began here: in the same bring-up, in the same Redis, and in no older
-- state of it. KEYS[1], ARGV[1]: the bring-up's mark; KEYS[4], ARGV[2]: the batch's name; ARGV[3]: the run.
local function begun_here()
  if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] or (redis.call('GET', KEYS[4]) or '') ~= ARGV[2] then return false end
  return current_run() == ARGV[3]
end

-- Counts, unless one of the resent dead letters was counted in another record. `at`: the index in ARGV of the number of
-- letters that are kept.
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
