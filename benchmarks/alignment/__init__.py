"""How well attention aligns words."""
