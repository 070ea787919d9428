"""The window: pygame, screens, and what is drawn over the picture."""
