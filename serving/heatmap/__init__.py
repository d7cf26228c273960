"""Heatmaps of attention: source on top, target on the left, a darker cell for more weight.

`matrix` defines the content and `colours` the colours; `terminal`, `picture` and `page` draw it.
"""
