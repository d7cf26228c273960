"""Filters of training pairs: pure functions that find pairs which teach no translation.

These modules use neither TFX, Beam nor TensorFlow.
"""
