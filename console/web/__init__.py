"""The web console: server-rendered pages, kept up to date by server-sent events.

It shows data and passes acts on; decisions are made in domain/. May import schemas, domain and streams. Called by
`quanzu console` (console/commands) and the demo.
"""
