"""The web console: server-rendered pages, kept current by server-sent events.

It shows and passes on; decisions are in domain/. May import schemas, domain and streams. Called by
`quanzu console` (console/commands) and the demo.
"""
