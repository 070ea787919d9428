"""Faulty parts for `tools.inject_faults`, and the table of what is done with them."""
