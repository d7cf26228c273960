"""The gate: scores, significance tests and bounds for deciding whether a model goes live."""
