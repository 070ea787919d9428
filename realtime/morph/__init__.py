"""A face slid through the latent space of an autoencoder, and what that changes on the viewer's own pixels."""
