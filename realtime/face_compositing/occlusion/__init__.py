"""What stands in front of a face: hands, cups, microphones, and its own hair."""
