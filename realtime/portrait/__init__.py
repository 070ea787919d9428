"""A painting whose eyes and head follow the viewer. `pack` is its file, `building` makes one, `engines` move a face."""
