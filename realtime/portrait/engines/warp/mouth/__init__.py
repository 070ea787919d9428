"""A mouth that opens."""
