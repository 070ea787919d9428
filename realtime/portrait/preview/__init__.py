"""A look at a pack: contact sheet, page, film, whole pictures."""
