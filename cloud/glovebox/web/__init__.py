"""The console and the driver's pages: server-rendered, in French and English, usable without JavaScript."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from glovebox.cloud import Cloud


def mount(web: "FastAPI", cloud: "Cloud") -> None:
    """Adds pages, static files and security headers to the web application.

    Call it after every other router: its last route answers each unknown address. Imports late, so that the
    assets' installer needs no framework.
    """
    from glovebox.web.mounting import mount_pages

    mount_pages(web, cloud)
