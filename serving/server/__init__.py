"""The local model server: TensorFlow Serving's protocol, spoken by a Python process on a laptop."""
