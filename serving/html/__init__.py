"""Web pages of one file: Jinja2 templates, and the style sheet that all pages share."""
