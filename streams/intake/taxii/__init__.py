"""TAXII 2.1 (OASIS Standard, 10 June 2021): `collection` and `server` let other centres read the suspects that this one
shares; `polling` reads theirs.
"""

MEDIA_TYPE = "application/taxii+json;version=2.1"
STIX_MEDIA_TYPE = "application/stix+json;version=2.1"
