-- Write a dispatch's progress, if the caller's claim is the latest. An expired lease does not matter here: clocks can
-- be set, but a fence cannot be overtaken unnoticed.
-- KEYS: the lease, the dispatch's entry, unsure:{p}
-- ARGV: fence, the effect (ours | sending | unsent | answered | refused | not_sent | done | release), the dispatch, the
-- token, the duration in ms to which `sending` renews the lease, seconds for which an entry is kept, the entry ('' for
-- `unsent`), and the run that the epoch names ('' without epochs): under another Redis nothing may be sent
-- Results of requests (answered, refused, done) may be written under another Redis. In a store that was lost since, where
-- nobody has claimed the dispatch, only those by which it was sent (answered, done): another worker may have sent it.
-- Returns 1 if the claim is valid, else 0.
local fence, effect, dispatch, token, lease_ms, kept, entry, run = unpack(ARGV, 1, 8)
local latest = string.match(redis.call('GET', KEYS[2]) or '', '^(%S+) ')
local sent = effect == 'answered' or effect == 'done'
if run ~= '' and not sent and effect ~= 'refused' and run ~= current_run() then return 0 end
if latest ~= fence and (latest or not sent) then return 0 end
if effect == 'release' then
  redis.call('DEL', KEYS[1])
elseif effect ~= 'ours' then
  redis.call('SET', KEYS[2], fence .. ' ' .. entry, 'EX', kept)
end
if effect == 'sending' then redis.call('SET', KEYS[1], token, 'PX', lease_ms) end
if effect == 'done' then redis.call('SREM', KEYS[3], dispatch) end
return 1
