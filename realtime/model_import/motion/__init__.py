"""Models that move a picture's face as a filmed one moves: those exported here, and LivePortrait's ONNX files."""
