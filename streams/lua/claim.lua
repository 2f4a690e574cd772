-- Take a dispatch, if nobody has carried it out or is about to.
-- KEYS: the dispatch's entry, the lease, state:{p}, cases:{p}, applied:{p}, earlier:{p}, unsure:{p}, settling:{p}
-- ARGV: token, lease in ms, resident, case, dispatch, the run that the epoch names ('' where none is kept), then the
-- ids its result may have as an input
-- Returns done | lost | leased | taken, and for taken: the entry and the case ('' for none), and 1 when it may have
-- been sent before the store lost sight of it. Whoever had it then may still be at it while the partition settles.
local entry = redis.call('GET', KEYS[1]) or ''
if entry ~= '' and cjson.decode(entry).state == 'done' then return {'done'} end
local stands = redis.call('HMGET', KEYS[3], 'offset', 'end', 'run')
if not stands[1] or tonumber(stands[1]) < tonumber(stands[2] or 0) - 1 then return {'lost'} end
local run = current_run()
if stands[3] ~= run or (ARGV[6] ~= '' and ARGV[6] ~= run) then return {'lost'} end
for i = 7, #ARGV do
  if redis.call('ZSCORE', KEYS[5], ARGV[i]) then return {'done'} end
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {'leased'} end
local unsure = redis.call('SISMEMBER', KEYS[7], ARGV[5])
if unsure == 1 and not holder and redis.call('EXISTS', KEYS[8]) == 1 then return {'leased'} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local case = redis.call('HGET', KEYS[6], ARGV[4]) or redis.call('HGET', KEYS[4], ARGV[3]) or ''
return {'taken', entry, case, unsure}
