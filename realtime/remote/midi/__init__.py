"""A run changed by knobs, faders and keys over MIDI, and its values told to motors and lamps."""
