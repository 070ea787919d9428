"""What every part may need and nothing of pictures: errors, files, paths, settings, statistics."""
