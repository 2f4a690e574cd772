-- Take a free lease, or renew one's own. KEYS: the lease. ARGV: token, duration in ms.
-- Returns 1 if the lease is ours, 0 if another holder has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
