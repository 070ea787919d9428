"""Other people's generators, of one file or two, into one decoder: a latent code in, a picture out."""
