"""Evidence files: which uploads are decoded, and what a case does with them."""
