"""Web pages of one file: Jinja2 templates and their common style sheet."""
