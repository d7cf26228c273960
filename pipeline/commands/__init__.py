"""The commands of `nmt`, one file each, and their shared modules.

The module of a command is imported only when the command is called (`lazy`).
"""
