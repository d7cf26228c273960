"""The local model server: a Python process for a laptop, with TensorFlow Serving's protocol."""
