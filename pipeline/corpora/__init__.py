"""Makes, imports, splits, writes and verifies corpora of parallel text."""
