"""Style networks: a picture in, a picture out."""
