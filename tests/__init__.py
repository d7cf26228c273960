"""Tests, in the same folders as the tested modules."""
