"""What people add to a case beside their reports: evidence files (which uploads may be decoded at all, and what adding
them does to the case), replies to text messages, and operators' notes.

Pure functions. Called by the case machine, and by the console before it decodes a file.
"""
