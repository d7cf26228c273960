"""Doubt about a translation: what it is seen by, and the warnings."""
