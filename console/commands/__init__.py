"""The command line's groups of commands: options, output and exit codes. The work is done in streams/ and domain/.

Called by quanzu.py, which joins the groups into one application.
"""
