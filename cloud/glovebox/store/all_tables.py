"""Every table of the product, so that migrations and tests see the whole schema."""

import importlib.util

from glovebox.store.schema import metadata

if importlib.util.find_spec("glovebox.accounts.tables"):
    importlib.import_module("glovebox.accounts.tables")

__all__ = ["metadata"]
