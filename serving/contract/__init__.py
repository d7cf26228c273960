"""The contract of an export: its signatures, checks of a response, and reading a translation."""
