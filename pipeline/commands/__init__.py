"""The command line's verbs, one file each, and what they share.

A verb's module is imported only when it is called (`lazy`).
"""
