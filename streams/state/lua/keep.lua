-- Take a lease, or keep one's own for longer. KEYS: the lease. ARGV: token, how many milliseconds it lasts.
-- Returns 1 when it is ours, 0 when another has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
