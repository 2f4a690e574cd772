"""The register of residents, and the files it is filled from."""
