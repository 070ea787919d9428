"""What pictures and films tell others of how they were made: the label, XMP, C2PA, film tags."""
