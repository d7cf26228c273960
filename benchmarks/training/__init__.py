"""Speed of training: a step, on the available device, and reading the examples."""
