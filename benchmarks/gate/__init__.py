"""How often the gate blocks a model as good as the live one, and one that is worse."""
