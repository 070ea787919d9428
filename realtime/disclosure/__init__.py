"""What pictures and films tell others of how they were made: the visible label, and XMP, C2PA and film tags made of a
`realtime.imaging.provenance.Provenance`.
"""
