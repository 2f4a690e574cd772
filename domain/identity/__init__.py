"""Who and where: identifiers and their hashes, the administrative divisions, masking, what counts as personal data."""
