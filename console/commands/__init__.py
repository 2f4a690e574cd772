"""The command line's groups of commands; quanzu.py joins them. What a command does lies in the packages."""
