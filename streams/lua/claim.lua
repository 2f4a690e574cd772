-- Take a dispatch, if nobody has carried it out or is about to.
-- KEYS: the dispatch's entry, the lease, state:{p}, cases:{p}, applied:{p}, earlier:{p}
-- ARGV: token, lease in ms, resident, case, then the ids its result may have as an input
-- Returns done | lost | leased | taken, and for taken: the entry and the case ('' for none).
local entry = redis.call('GET', KEYS[1]) or ''
if entry ~= '' and cjson.decode(entry).state == 'done' then return {'done'} end
if redis.call('HEXISTS', KEYS[3], 'offset') == 0 then return {'lost'} end
for i = 5, #ARGV do
  if redis.call('ZSCORE', KEYS[5], ARGV[i]) then return {'done'} end
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {'leased'} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local case = redis.call('HGET', KEYS[6], ARGV[4]) or redis.call('HGET', KEYS[4], ARGV[3]) or ''
return {'taken', entry, case}
