"""What every package knows about text and languages; imports nothing of ours."""
