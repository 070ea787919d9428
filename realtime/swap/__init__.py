"""Another face for the viewer to wear: from a photo, or made by a network."""
