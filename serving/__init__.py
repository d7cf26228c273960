"""Everything after the push: what is served, by whom, and how it is asked."""
