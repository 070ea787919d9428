"""Face networks: swappers, and the encoders that tell them whose face."""
