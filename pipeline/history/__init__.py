"""The history of all runs: verdicts and rollbacks, as events, a chart and a page."""
