"""What keys say to a run, and what a run says to its windows."""
