"""The outgoing channels: carry each dispatch to a provider once, and its result back.

flow         takes dispatches from a topic; channel: carries them out through one provider
delivery     the steps of one dispatch: lease, send, report; send again, ask, or leave in doubt
provider     what a provider guarantees, and how its answers are read
dispatch_log the lease and progress of each dispatch in Redis
receipts     what providers report later; signing: how they authenticate
waiting_red  red dispatches waiting for a worker that is gone
households   one visit per address; telephone: operators' calls; webhooks: notifies other programs
outgoing     what the channels share
Imports the packages below it (see streams/). Called by the agents and intake.
"""
