"""The configuration: typed settings, strict YAML, overrides, and messages that name the line."""
