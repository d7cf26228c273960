"""What the model server costs, how much it takes, and what can disturb it."""
