"""Pictures in memory: frames, pixels, buffers, and where a picture comes from."""
