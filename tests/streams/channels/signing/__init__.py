"""Who signs orders and receipts, and what a signature allows."""
