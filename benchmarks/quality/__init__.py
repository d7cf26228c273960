"""Translation quality: BLEU by seed and by system, and correctly copied words."""
