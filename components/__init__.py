"""The pipeline's own TFX components, one per file, executor beside its specification.

Nothing is imported here: the modules that need no TFX stay quick to import.
"""
