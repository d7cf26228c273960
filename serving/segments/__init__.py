"""Whole texts for a model that translates single sentences: split before, and joined again."""
