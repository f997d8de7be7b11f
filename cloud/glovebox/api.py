"""The JSON API `/api/v1`: one router a feature."""

from fastapi import FastAPI

import glovebox.fleet.api
import glovebox.people.api
import glovebox.reservations.api
import glovebox.trips.api


def mount_api(web: FastAPI) -> None:
    """Adds every feature's router."""
    for feature in (glovebox.fleet.api, glovebox.people.api, glovebox.reservations.api, glovebox.trips.api):
        web.include_router(feature.router, prefix="/api/v1")
