"""What a swap is measured by: each module makes one of the figures that `python -m tools.measure_swap` prints."""
