"""Whether a pack is good enough, in figures and in words."""
