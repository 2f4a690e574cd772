"""Results of administrators' acts: audit entries, exported bundles, policy drafts, vaults, dead letters.

May import schemas.base, levels, people and casework. Called by streams, the console and commands.
"""
