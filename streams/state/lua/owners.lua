-- Replace one resident's part in the lists of values' owners, and keep the other owners' parts.
-- KEYS[1]: hash, value -> its owners: a plain resident id for one who has always held it, else a JSON list of owners,
-- each a list that begins with the resident.
-- ARGV[1]: JSON list of [value, resident, the resident's part as above ('' to remove it)], ARGV[2]: stop after reading
-- so many owners.
-- Returns how many items of the list were processed.
local function read(owners)
  if string.sub(owners, 1, 1) == '[' then return cjson.decode(owners) end
  return {{owners}}
end

local function written(owners)
  if #owners == 1 and #owners[1] == 1 then return owners[1][1] end
  return cjson.encode(owners)
end

local done, looked, most = 0, 0, tonumber(ARGV[2])
for _, change in ipairs(cjson.decode(ARGV[1])) do
  if looked > most then break end
  local value, resident, mine = change[1], change[2], change[3]
  local stored = redis.call('HGET', KEYS[1], value)
  local kept = {}
  if stored and stored ~= mine then
    local owners = read(stored)
    looked = looked + #owners
    for _, owner in ipairs(owners) do
      if owner[1] ~= resident then kept[#kept + 1] = owner end
    end
  end
  if #kept > 0 then
    if mine ~= '' then
      for _, owner in ipairs(read(mine)) do kept[#kept + 1] = owner end
    end
    redis.call('HSET', KEYS[1], value, written(kept))
  elseif mine == '' then
    redis.call('HDEL', KEYS[1], value)
  elseif stored ~= mine then
    redis.call('HSET', KEYS[1], value, mine)
  end
  done = done + 1
end
return done
