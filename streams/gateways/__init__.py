"""Programs that stand between Quanzu and the carriers' networks: each is a provider by the HTTP contract of
streams/channels, so that an installation plugs in a carrier's account instead of writing a provider.

`sms` speaks SMPP 3.4, `voice` SIP. May import domain, streams.runtime, and the signing of orders from streams.channels.
Called by `quanzu gateway`.
"""
