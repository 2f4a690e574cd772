"""Codes: what happened to a case and why, with typed parameters instead of a sentence.

A code is a small class: its name is the code on the wire, its fields are the parameters, `zh` is its sentence in
Chinese (domain/wording/locale has the other languages, domain/wording/codes.py renders them all). What a person wrote
is a parameter of its own: `text`, `note` or `recording`. Each module has the codes about one thing: danger (why a
resident is in danger), channels (what a channel says of an attempt), plan (steps and deadlines), people (operators,
officers, callers), money, refusals; any_code has the codes that contain another code, and the union of all.
Imports schemas.base, levels, risk and people; called by everybody.
"""
