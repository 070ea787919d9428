"""The engine that keeps every detail: it bends the picture itself."""
