"""One run of the program: its options, its parts put together, its supervisor."""
