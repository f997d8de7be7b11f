"""Small mistakes planted into the parts that may never fail; the tests must notice each. See `__main__`."""
