"""Model files: what they say of themselves, whether they are safe, where they lie. `runtime` runs them."""
