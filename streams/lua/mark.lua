-- Write how far a dispatch has come, if it still is ours: no other has it, and the store was not lost since we took it.
-- KEYS: the lease, the dispatch's entry. ARGV: token, the run that the epoch names ('' where none is kept), then nothing
-- to ask only, or the entry, how many seconds it is kept, and for how many milliseconds the lease begins anew.
-- Returns 1 when it is ours.
if ARGV[2] ~= '' and ARGV[2] ~= current_run() then return 0 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] then
  redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return 1
