"""TensorFlow Serving's gRPC messages and tensors, without TensorFlow."""
