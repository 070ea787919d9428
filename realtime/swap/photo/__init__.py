"""A face from one photo."""
