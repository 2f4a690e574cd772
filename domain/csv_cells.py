"""Cells of CSV files that people open in a spreadsheet: a cell must not become a formula there."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins with one of these is calculated, or hides one that is


def guarded(cell: str) -> str:
    """Return the text of a cell, with an apostrophe before it if a spreadsheet could take it for a formula.

    That is so if it begins with =, +, -, @, a tab or a carriage return, or with apostrophes and then such a character.
    Other texts are returned unchanged.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """Return the text of a cell without the one apostrophe that `guarded` put before it. Other texts are returned
    unchanged.
    """
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell
