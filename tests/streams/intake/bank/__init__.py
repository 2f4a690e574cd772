"""Files of banks: by a mapping, as workbooks, and through intake."""
