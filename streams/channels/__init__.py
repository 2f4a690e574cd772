"""The way out: from a dispatch to a provider and back, once.

flow         takes dispatches from a topic; channel: carries them out by one provider
delivery     the protocol of one dispatch: lease, send, report; send again, ask, or leave in doubt
provider     what a provider promises, and what its answer means
dispatch_log    the lease and the mark of each dispatch in Redis
receipts     what providers report later; signing: how they prove who they are
waiting_red  red's dispatches that wait for a worker that is gone
households   one visit to one address; telephone: operators' calls; webhooks: other programs are told
outgoing     what the channels share

Imports the packages below it (see streams/). Called by the agents and intake.
"""
