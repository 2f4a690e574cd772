-- Replace entries of residents, each only if it is still the one that the writer read.
-- KEYS[1]: hash, resident -> JSON.
-- ARGV[1]: JSON list of [resident, the entry read ('' for none), the new entry ('' to remove it)].
-- Returns the residents whose entry was another one.
local refused = {}
for _, change in ipairs(cjson.decode(ARGV[1])) do
  local id, seen, new = change[1], change[2], change[3]
  local stored = redis.call('HGET', KEYS[1], id) or ''
  if stored ~= seen then
    refused[#refused + 1] = id
  elseif new == '' then
    redis.call('HDEL', KEYS[1], id)
  elseif new ~= stored then
    redis.call('HSET', KEYS[1], id, new)
  end
end
return refused
