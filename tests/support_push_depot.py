"""Devices of the small fleet's people, and what becomes of messages to them."""

import asyncio
from dataclasses import replace

from glovebox.messages import service, subscriptions
from glovebox.messages.carriers import make_carriers
from glovebox.messages.delivery import deliver
from glovebox.scope import SYSTEM
from support_push import Browser, push_service, to64

AGENT = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"


def started(depot):
    """The service; the deployment may reach it and nothing else."""
    with push_service(depot.clock) as built:
        depot.cloud.config = replace(depot.config, push_services=(built.origin,))
        yield built


def subscribe(depot, push, name, person_id=None, agent=AGENT):
    asked = push.subscribe(name)
    return add(depot, asked["endpoint"], person_id, agent=agent, **asked["keys"])


def add(depot, endpoint, person_id=None, p256dh=None, auth=None, agent=""):
    scope, services = depot.driver(person_id or depot.anne), depot.cloud.config.push_services
    keys = p256dh or to64(Browser().public), auth or to64(bytes(16))
    return depot.run(
        lambda tx: subscriptions.add_device(tx, depot.now, scope, services, endpoint, *keys, agent)
    )


def put(depot, key="one", person_id=None, kind="test", facts=None):
    depot.run(lambda tx: service.put(tx, depot.now, person_id or depot.anne, kind, key, facts or {}))


def send(depot):
    carriers = make_carriers(depot.cloud.config, depot.cloud.keyring)
    return asyncio.run(deliver(depot.cloud, carriers))


def states(depot):
    found = depot.read(lambda tx: service.list_deliveries(tx, SYSTEM))
    return [(one.state, one.channel, one.attempts, one.last_error) for one in reversed(found)]


def devices(depot, person_id=None):
    return depot.read(lambda tx: subscriptions.list_devices(tx, depot.driver(person_id or depot.anne)))


def choice(depot, person_id=None):
    return depot.read(lambda tx: service.get_choice(tx, depot.driver(person_id or depot.anne))).channel
