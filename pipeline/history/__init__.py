"""What became of every run: verdicts and rollbacks, as events, a chart and a page."""
