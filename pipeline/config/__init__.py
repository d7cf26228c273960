"""The configuration: typed settings, strict YAML, overrides, and errors with line numbers."""
