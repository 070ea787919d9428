import realtime  # noqa: F401 - switches ONNX Runtime's reports off before any test can import it
