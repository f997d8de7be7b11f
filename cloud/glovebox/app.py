"""Builds the cloud and its two ASGI applications: `web` (pages, API, the boxes' time) and `box` (the
link)."""

import os
from dataclasses import dataclass

from fastapi import FastAPI

from glovebox.clock import Clock, Entropy, system_clock
from glovebox.cloud import Cloud
from glovebox.config import Config
from glovebox.keys import open_keyring
from glovebox.link.hub import Hub
from glovebox.store.engine import open_store
from glovebox.store.migrate import migrate
from glovebox.store.writer import Writer


@dataclass(frozen=True)
class Apps:
    """The two applications on one cloud."""

    cloud: Cloud
    web: FastAPI
    box: FastAPI


def create_cloud(config: Config, clock: Clock = system_clock, entropy: Entropy = os.urandom) -> Cloud:
    """Opens keys and database, migrates, checks the guard. The writer is not started: `serving` does, or
    `Writer.step` steps it."""
    keyring = open_keyring(config.key_path, entropy)
    store = open_store(config.url)
    migrate(store, entropy)
    hub = Hub()
    writer = Writer(store.writing, config.writer_queue, on_news=hub.publish)
    return Cloud(config, clock, entropy, keyring, store, writer, hub)


def create_app(config: Config, clock: Clock = system_clock, entropy: Entropy = os.urandom) -> Apps:
    """The cloud with its applications. Pages and accounts add themselves through `glovebox.web.mount(web,
    cloud)`."""
    cloud = create_cloud(config, clock, entropy)
    web = FastAPI(title="Glovebox", version="1")
    box = FastAPI(title="Glovebox boxes", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    web.state.cloud = box.state.cloud = cloud
    return Apps(cloud, web, box)
