"""The model directory: its versions, how one is published, and the journal of all of them."""
