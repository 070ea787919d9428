"""A pack from a picture, or from a picture and a filmed face."""
