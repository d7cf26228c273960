"""Measures how often the gate blocks models as good as the live one, and worse models."""
