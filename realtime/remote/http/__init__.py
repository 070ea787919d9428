"""The HTTP server and what it answers: one page, JSON, pictures, metrics."""
