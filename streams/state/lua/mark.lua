-- Write how far a dispatch has come, if the latest claim on it is still the caller's. A lease that ran out does not
-- matter here: a clock can be set, and a fence cannot.
-- KEYS: the lease, the dispatch's entry, unsure:{p}
-- ARGV: fence, the effect (ours | sending | answered | done | release), the dispatch, the token, for how many
-- milliseconds `sending` begins the lease anew, how many seconds an entry is kept, the entry, and the run that the
-- epoch names ('' where none is kept): in another Redis nothing may be sent
-- In a store that was lost since, where nobody has claimed it, what came of it may be written, and nothing else.
-- Returns 1 when the claim stands.
local fence, effect, dispatch, token, lease_ms, kept, entry, run = unpack(ARGV, 1, 8)
local latest = string.match(redis.call('GET', KEYS[2]) or '', '^(%S+) ')
local known = effect == 'answered' or effect == 'done'
if run ~= '' and not known and run ~= current_run() then return 0 end
if latest ~= fence and (latest or not known) then return 0 end
if effect == 'release' then
  redis.call('DEL', KEYS[1])
elseif effect ~= 'ours' then
  redis.call('SET', KEYS[2], fence .. ' ' .. entry, 'EX', kept)
end
if effect == 'sending' then redis.call('SET', KEYS[1], token, 'PX', lease_ms) end
if effect == 'done' then redis.call('SREM', KEYS[3], dispatch) end
return 1
