-- Take the lease on a dispatch, unless it is finished or another worker has it. Each claim gets a fence: a number that
-- grows with each claim on the dispatch, and the process's name, so that it is unique even if the store loses the
-- number. KEYS: the dispatch's entry, the lease, state:{p}, cases:{p}, applied:{p}, earlier:{p}, unsure:{p},
-- settling:{p} ARGV: token, lease in ms, process, seconds for which an entry is kept, resident, case, dispatch, the run
-- that the epoch names ('' without epochs), then the ids that the dispatch's result may have as an input
-- The entry is text: the latest claim's fence, a space, and the dispatch's progress ('' for none).
-- Returns done | lost | leased | taken; after `taken`: the entry and the case ('' for none), 1 if the dispatch may have
-- been sent before the store lost it, and the fence. While the partition settles, an earlier holder may still be
-- active: then such a dispatch is `leased`.
local token, lease_ms, process, kept, resident, case_id, dispatch, leading = unpack(ARGV, 1, 8)
local first_id = 9

local count, entry = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):%S* (.*)$')
count, entry = tonumber(count or 0), entry or ''
if entry ~= '' and cjson.decode(entry).state == 'done' then return {'done'} end
local stands = redis.call('HMGET', KEYS[3], 'offset', 'end', 'run')
if not stands[1] or tonumber(stands[1]) < tonumber(stands[2] or 0) - 1 then return {'lost'} end
local run = current_run()
if stands[3] ~= run or (leading ~= '' and leading ~= run) then return {'lost'} end
for i = first_id, #ARGV do
  if redis.call('ZSCORE', KEYS[5], ARGV[i]) then return {'done'} end
end
local holder = lasts(KEYS[2], lease_ms) and redis.call('GET', KEYS[2])
if holder and holder ~= token then return {'leased'} end
local unsure = redis.call('SISMEMBER', KEYS[7], dispatch)
if unsure == 1 and not holder and lasts(KEYS[8], lease_ms) then return {'leased'} end
redis.call('SET', KEYS[2], token, 'PX', lease_ms)
local fence = string.format('%d:%s', count + 1, process)
redis.call('SET', KEYS[1], fence .. ' ' .. entry, 'EX', kept)
local case = redis.call('HGET', KEYS[6], case_id) or redis.call('HGET', KEYS[4], resident) or ''
return {'taken', entry, case, unsure, fence}
