"""Builds the cloud and its two ASGI applications: `web` (pages, API, the boxes' time) and `box` (the
link)."""

import os
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from glovebox import api
from glovebox import web as pages
from glovebox.bounds import LARGEST_BODY, LARGEST_BOX_BODY, BodyLimit
from glovebox.clock import Clock, Entropy, system_clock
from glovebox.cloud import Cloud
from glovebox.config import Config
from glovebox.errors import GloveboxError
from glovebox.keys import open_keyring
from glovebox.link.api import BoxApp, mount_link, mount_time
from glovebox.policies.calendars import keep_time_zone, read_time_zone
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate, read_store_epoch


@dataclass(frozen=True)
class Apps:
    """The two applications on one cloud."""

    cloud: Cloud
    web: FastAPI
    box: BoxApp


def create_cloud(config: Config, clock: Clock = system_clock, entropy: Entropy = os.urandom) -> Cloud:
    """Opens keys and database, migrates, checks the guard. The writer is not started: `serving` does;
    without its thread jobs run where they are submitted (seeded runs). Raises KeyringError, GuardMissing."""
    keyring = open_keyring(config.key_path, entropy)
    store = open_store(config.url)
    migrate(store, entropy)
    with store.read() as tx:
        store_epoch, time_zone = read_store_epoch(tx), read_time_zone(tx)
    if time_zone != config.timezone:
        with store.write() as tx:
            keep_time_zone(tx, config.timezone)
    return Cloud(config, clock, entropy, keyring, store, store_epoch)


def create_app(config: Config, clock: Clock = system_clock, entropy: Entropy = os.urandom) -> Apps:
    """The cloud with its applications."""
    cloud = create_cloud(config, clock, entropy)
    web = FastAPI(
        title="Glovebox",
        version="1",
        description=api.DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    box = FastAPI(title="Glovebox boxes", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    for app, limit in ((web, LARGEST_BODY), (box, LARGEST_BOX_BODY)):
        app.state.cloud = cloud
        app.add_middleware(BodyLimit, limit=limit)
        app.add_exception_handler(HTTPException, api.tell_http)
        app.add_exception_handler(GloveboxError, api.tell_error)
        app.add_exception_handler(RequestValidationError, api.tell_unreadable)
    mount_time(web)
    mount_link(box)
    api.mount_api(web)
    pages.mount(web, cloud)  # last: its final route answers every other address
    return Apps(cloud, web, BoxApp(cloud, box))
