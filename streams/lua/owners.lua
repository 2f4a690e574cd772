-- Who holds a value: replaces one resident's part in the values' lists of owners and leaves the others'.
-- KEYS[1]: hash, value -> JSON list of owners, each a list that begins with the resident.
-- ARGV[1]: JSON list of [value, resident, JSON list of the resident's owners ('' when none any more)].
for _, change in ipairs(cjson.decode(ARGV[1])) do
  local value, resident, mine = change[1], change[2], change[3]
  local stored = redis.call('HGET', KEYS[1], value)
  local kept = {}
  if stored and stored ~= mine then
    for _, owner in ipairs(cjson.decode(stored)) do
      if owner[1] ~= resident then kept[#kept + 1] = owner end
    end
  end
  if #kept > 0 then
    if mine ~= '' then
      for _, owner in ipairs(cjson.decode(mine)) do kept[#kept + 1] = owner end
    end
    redis.call('HSET', KEYS[1], value, cjson.encode(kept))
  elseif mine == '' then
    redis.call('HDEL', KEYS[1], value)
  elseif stored ~= mine then
    redis.call('HSET', KEYS[1], value, mine)
  end
end
return 'ok'
