"""Speed of training: a step, on whatever device there is, and reading the examples."""
