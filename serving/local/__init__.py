"""Translates in this process with an exported SavedModel: no server, only TensorFlow."""
