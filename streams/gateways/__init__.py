"""Programs that stand between Quanzu and the carriers' networks: each is a provider by the HTTP contract of
streams/channels, so that an installation plugs in a trunk instead of writing a provider.

Each gateway is a sub-package of its own. May import domain, streams.channels.signing and streams.runtime.
"""
