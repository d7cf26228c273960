"""The files of translators' tools: their entries are read, and filled by a model.

Everything that is not filled stays as it is, byte for byte: a reader tells the place of each entry,
and only the text there is replaced.
"""
