"""Text of software packages: messages, manuals and dictionaries, and their translations."""
