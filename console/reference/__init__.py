"""Generates docs/reference from the code: pages and schemas of settings, topics, codes, commands and HTTP APIs.

May import schemas, domain, streams and console/web. Called by `quanzu admin documents`, and for
the record of processing by a page of the console.
"""
