"""Where the people are whom a wall's portraits look at, and where each portrait hangs."""
