"""The messages, tensors and records of TensorFlow and its server, without TensorFlow."""
