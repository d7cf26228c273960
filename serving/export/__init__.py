"""Checks of an export before it goes live."""
