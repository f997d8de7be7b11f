"""Facts: what cars did."""
