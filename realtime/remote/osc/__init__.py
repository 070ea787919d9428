"""A run changed over OSC, and its values told to desks."""
