"""Detectors: from a picture to boxes and keypoints."""
