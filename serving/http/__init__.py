"""The HTTP server of REST and of the page, with limits against slow and foreign requests."""
