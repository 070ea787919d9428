"""All that knows ONNX Runtime and the GPU."""
