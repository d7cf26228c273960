"""Parallel text: made, imported, split, written as folders and verified."""
