-- Take a free lease, or renew one's own: its value is the token, or begins with the token and '|'. KEYS: the lease.
-- ARGV: token, duration in ms.
-- Returns 1 if the lease is ours, 0 if another holder has it.
local token, lease_ms = unpack(ARGV)
local holder = lasts(KEYS[1], lease_ms) and redis.call('GET', KEYS[1])
if holder and holder ~= token and string.sub(holder, 1, #token + 1) ~= token .. '|' then return 0 end
redis.call('SET', KEYS[1], token, 'PX', lease_ms)
return 1
