"""Eyes that turn: iris, white, lids."""
