-- Add evidence to residents' sets, and return their state before.
-- KEYS[1]: alerted, KEYS[2]: settled, KEYS[3..]: the residents' sets, hashes id -> value. An id ends with ~ and the
-- kind. A value begins with digits of fixed width: its version (of one id the greater stays, of equal ones the first),
-- 13 for its time (ms since 1970), 4 for the hours after which it has faded away.
-- ARGV[1]: members kept per kind, ARGV[2]: ms for which a set is kept, ARGV[3]: width of the version, ARGV[4]: now in
-- ms, ARGV[5]: stop after reading so many members; then for each set: the resident, the number of members, and for each
-- of them id and value.
-- Returns for each processed set: alerted, settled, and its ids and values before.
local bound, kept, version, now = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local HOUR = 3600000
local WITHDRAWN = 15 -- index of the version's digit for withdrawn evidence, which displaces no valid evidence

-- As `bounded` in domain/risk/sets.py: keep the newest members of each kind that have not faded away.
local function bounded(key)
  local all, newest, kinds = redis.call('HGETALL', key), 0, {}
  local members = {}
  for i = 1, #all, 2 do
    local fresh = tonumber(string.sub(all[i + 1], version + 1, version + 13))
    local hours = tonumber(string.sub(all[i + 1], version + 14, version + 17))
    local withdrawn = string.sub(all[i + 1], WITHDRAWN, WITHDRAWN)
    members[#members + 1] = {fresh, all[i], fresh + hours * HOUR, withdrawn}
    newest = math.max(newest, fresh)
  end
  newest = math.min(newest, now)
  for _, member in ipairs(members) do
    if member[3] < newest then
      redis.call('HDEL', key, member[2])
    else
      local kind = (string.match(member[2], '~([^~]*)$') or '') .. member[4]
      kinds[kind] = kinds[kind] or {}
      table.insert(kinds[kind], member)
    end
  end
  for _, of in pairs(kinds) do
    if #of > bound then
      table.sort(of, function(a, b)
        if a[1] ~= b[1] then return a[1] > b[1] end
        return a[2] > b[2]
      end)
      for i = bound + 1, #of do redis.call('HDEL', key, of[i][2]) end
    end
  end
end

local found, at, looked, most = {}, 6, 0, tonumber(ARGV[5])
for k = 3, #KEYS do
  if looked > most then break end
  local key, resident, count = KEYS[k], ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  found[#found + 1] = {
    redis.call('HGET', KEYS[1], resident), redis.call('HGET', KEYS[2], resident), redis.call('HGETALL', key)
  }
  looked = looked + #found[#found][3] / 2 + count
  for i = at, at + 2 * count - 2, 2 do
    local old = redis.call('HGET', key, ARGV[i])
    if not old or string.sub(ARGV[i + 1], 1, version) > string.sub(old, 1, version) then
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
  if count > 0 then
    bounded(key)
    redis.call('PEXPIRE', key, kept)
  end
  at = at + 2 * count
end
return found
