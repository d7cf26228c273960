"""Reads the file formats of parallel text, one file for each format."""
