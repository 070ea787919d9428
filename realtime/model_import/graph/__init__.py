"""Any ONNX graph: read, looked at, folded, made to take any size."""
