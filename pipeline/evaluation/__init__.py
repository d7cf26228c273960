"""Evaluates translations with the Evaluator's metrics, slices and tests, without TFX."""
