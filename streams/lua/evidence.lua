-- Add evidence to residents' sets and return what was there before.
-- KEYS[1]: alerted, KEYS[2]: settled, KEYS[3..]: the residents' sets, hashes id -> value. A value begins with its
-- version and its rank, digits of fixed width: of one id the greater version stays, of equal ones the first; of too
-- many the lowest ranks go.
-- ARGV[1]: members kept, ARGV[2]: milliseconds a set is kept, ARGV[3]: width of the version, ARGV[4]: of the rank;
-- then for each set: the resident, how many members follow, and for each of them id and value.
-- Returns for each set: alerted, settled, and its ids and values before.
local bound, kept, version, rank = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function cut(key)
  local over = redis.call('HLEN', key) - bound
  if over <= 0 then return end
  local all, order = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    order[#order + 1] = {string.sub(all[i + 1], version + 1, version + rank), all[i]}
  end
  table.sort(order, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for i = 1, over do redis.call('HDEL', key, order[i][2]) end
end

local found, at = {}, 5
for k = 3, #KEYS do
  local key, resident, count = KEYS[k], ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  found[#found + 1] = {
    redis.call('HGET', KEYS[1], resident), redis.call('HGET', KEYS[2], resident), redis.call('HGETALL', key)
  }
  for i = at, at + 2 * count - 2, 2 do
    local old = redis.call('HGET', key, ARGV[i])
    if not old or string.sub(ARGV[i + 1], 1, version) > string.sub(old, 1, version) then
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
  if count > 0 then
    cut(key)
    redis.call('PEXPIRE', key, kept)
  end
  at = at + 2 * count
end
return found
