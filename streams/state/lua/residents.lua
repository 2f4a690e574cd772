-- Entries of residents, each replaced only if it still is what the writer has seen.
-- KEYS[1]: hash, resident -> JSON.
-- ARGV[1]: JSON list of [resident, what was seen ('' when there was none), what it becomes ('' to remove it)].
-- Returns the residents that were something else.
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
