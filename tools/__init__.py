import realtime  # noqa: F401 - switches ONNX Runtime's reports off before any tool can import it
