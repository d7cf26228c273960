"""The model directory: its versions, publishing a version, and the journal of all versions."""
