"""Identity: identifiers and their hashes, administrative divisions, masking, and which data counts as personal.

May import schemas and domain.ids. Called by the register of residents, screening, intake and the console.
"""
