"""The report of a run: one HTML file, for judging its model.

These modules use neither TFX nor Beam. `components.model_report` reads the artifacts; the modules
here choose, compute and render the content.
"""
