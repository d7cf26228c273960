"""The gate: scores, tests of significance and bounds that decide whether a model goes live."""
