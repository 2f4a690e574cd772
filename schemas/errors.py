"""The one kind of error that is told to whoever runs Quanzu in words, without a traceback."""


class UserError(Exception):
    """Something that whoever runs Quanzu can mend. The text says what is wrong, where, and what to do."""
