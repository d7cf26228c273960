"""The report of a run: one HTML file that says what was made and whether to trust it.

Modules here know neither TFX nor Beam: `components.model_report` reads the artifacts, what is here
chooses, computes and renders.
"""
