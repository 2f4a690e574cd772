"""What Quanzu is made of: `sbom` lists it, `licences` says whether it may be used, `audit` whether a part is known to
be vulnerable. All read a lock, which pins each package by its hashes.
"""
