-- Shared by claim.lua and keep.lua.
-- Whether a key that lasts at most `lease_ms` still exists. One that was set while the clock of Redis was ahead lasts no
-- longer than `lease_ms` from now.
local function lasts(key, lease_ms)
  local left = redis.call('PTTL', key)
  if left > tonumber(lease_ms) then redis.call('PEXPIRE', key, lease_ms) end
  return left ~= -2
end
