"""Measurements of attention as word alignment."""
