"""Text and languages, for use in every package; imports no other package of ours."""
