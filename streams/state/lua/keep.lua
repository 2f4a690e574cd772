-- Take a free lease, or renew one's own. KEYS: the lease. ARGV: token, duration in ms.
-- Returns 1 if the lease is ours, 0 if another holder has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  -- Taken while the clock of Redis was ahead: it may last no longer than a lease by the clock as it is now.
  if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
