"""The figures of the product: one JSON object on standard output. See `__main__`."""
