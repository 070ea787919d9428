"""What a repainted picture needs besides a model: the right working size, full detail, and calm."""
