"""Codes: what happened to a case and why, with typed parameters instead of a sentence.

A code is a small class: its name is the code on the wire, its fields are the parameters, `zh` is its Chinese sentence
(domain/wording/locale has the other languages, domain/wording/codes.py renders all of them). A person's own words are a
separate parameter: `text`, `note` or `recording`. Each module has one subject: danger (why a resident is in danger),
channels (a channel's remarks on an attempt), plan (steps and deadlines), people (operators and callers), visits
(officers), money, stop_orders, refusals; any_code has the codes that contain another code, and the union of all codes.

May import schemas.base, levels, risk and people. Called by everything.
"""
