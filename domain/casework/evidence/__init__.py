"""Evidence files of a case: which uploads may be decoded at all, and what adding them does to the case.

Pure; called by the case machine and by the console before it decodes a file.
"""
