"""Evaluates attention weights: between words, as alignments, and as diagnostics."""
