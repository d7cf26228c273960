"""Speed of the steps before the training."""
