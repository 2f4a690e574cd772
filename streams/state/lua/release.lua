-- Release a lease, if it is the caller's: its value is the token, or begins with the token and '|'. KEYS: the lease.
-- ARGV: token. Returns 1 if released, else 0.
local holder, token = redis.call('GET', KEYS[1]), ARGV[1]
if holder and (holder == token or string.sub(holder, 1, #token + 1) == token .. '|') then
  return redis.call('DEL', KEYS[1])
end
return 0
