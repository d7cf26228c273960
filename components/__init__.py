"""The pipeline's own TFX components, one per file, with executor and specification.

This file imports nothing, so modules without TFX stay quick to import.
"""
