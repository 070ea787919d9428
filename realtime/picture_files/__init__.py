"""Picture files, whatever kind they are: what their bytes say, and their pixels."""
