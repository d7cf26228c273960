"""Heatmaps of attention: source on top, target on the left, the darker the more weight.

`matrix` says what is drawn and `colours` in which colours; `terminal`, `picture` and `page` draw
it.
"""
