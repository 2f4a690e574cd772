"""The register of residents, and its import from and export to CSV and Parquet files.

May import runtime, messaging, state and security. Called by screening, casework, channels, the console and commands.
"""
