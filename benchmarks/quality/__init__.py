"""Translation quality: BLEU by seed and by system, and what is copied right."""
