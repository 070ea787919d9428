"""A process for each screen and one for the camera; who starts, watches and ends them, and what outlasts them."""
