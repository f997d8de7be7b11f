"""The wire to the boxes: codec, answers, open links."""
