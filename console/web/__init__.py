"""The web: operators, officers, supervisors; server-rendered pages, live by server-sent events. It decides nothing."""
