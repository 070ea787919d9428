"""From a box to what a face does: mesh, irises, alignment, measurement, expression."""
