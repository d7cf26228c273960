"""Speed of the search of exported models."""
