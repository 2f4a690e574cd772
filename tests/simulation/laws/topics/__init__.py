"""Laws of what lies on the compacted topics and in the tables that are read from them."""
