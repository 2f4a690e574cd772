"""Identity: identifiers and their hashes, administrative divisions, masking, and which data counts as personal.

May import schemas only. Called by intake, the register of residents, screening, channels and the console.
"""
