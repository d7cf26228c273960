"""What an export promises: signatures, the checks of a response, and a translation read from it."""
