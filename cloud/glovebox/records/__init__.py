"""The journals of boxes: stored once, verified, told in words."""
