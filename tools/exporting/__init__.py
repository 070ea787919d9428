"""From a PyTorch checkpoint to a model in this program's contract, checked against PyTorch before it is kept."""
