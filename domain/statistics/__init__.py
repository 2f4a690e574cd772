"""Figures: counts and clocks of an installation, its report, the fraud situation, exports, and sizing.

May import schemas and domain's payments, policy, identity and calendar. Called by streams, the console and simulators.
"""
