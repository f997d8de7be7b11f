"""Figures `held_links`, `held_link_bytes_each`, `held_link_wake_ms_p95`: links that wait, on one server.

10,000 boxes (`--links N` for a small run) hold a link to one process of the server, plain, as behind a proxy
that ends TLS, and then, in a server of its own, over TLS. Each has greeted, taken its settings and its set.
Memory is the growth of the server's resident set from before the first link, over the links. A wake-up is a
booking asked for in the server until its envelope is at the box's socket, commit and all, one at a time, on
links drawn at random; and, told apart, one right on all cars until the last box has it. The load shares the
two cores. The figures are those of the plain links; those of TLS and of the storm go to standard error, and
with `--up-to M` as many more links as the machine bears, and what ended them. Prints one JSON object.

`--proxy` adds a row: the same links over TLS through a real haproxy with the configuration of
`cloud/deploy/haproxy.cfg`, ours plain behind it; our memory of each link and haproxy's, apart. A link is two
open files there, so several of its processes listen on one port; each leg uses several loopback addresses.
Without a haproxy on this machine the row is left out, and that is said.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import percentile, tell
from support_fleet_bench import FleetServer, open_link
from support_proxy import HAPROXY, OTHER_FILES, Proxy

LINKS = 10_000
# Greetings under way at once: some milliseconds of work each.
AT_ONCE = 64
WAKES = 200
GIVE_UP_S = 120.0
ANSWERS = (0x84, 0x85)
WAYS = {"plain": "plain", "tls": "TLS", "proxy": "TLS through haproxy"}


async def greet(server: FleetServer, boxes: list, number: int):
    """One link as a box leaves it: greeted, all taken, told what it holds."""
    box, link = boxes[number], await open_link(server, number)
    link.send(box.envelope(box.hello(), box.state(int(time.time()))))
    box.open(await asyncio.wait_for(link.messages.get(), GIVE_UP_S))
    link.send(box.envelope(box.held()))
    box.open(await asyncio.wait_for(link.messages.get(), GIVE_UP_S))
    return link


async def hold(server: FleetServer, boxes: list, first: int, last: int) -> list:
    """Links first..last, some at a time; fewer if it ends."""
    links: list = []
    for start in range(first, last, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, last))
        done = await asyncio.gather(
            *(greet(server, boxes, number) for number in numbers), return_exceptions=True
        )
        links += [one for one in done if not isinstance(one, BaseException)]
        broken = [one for one in done if isinstance(one, BaseException)]
        if broken:
            tell(f"held links: ended at {first + len(links)}: {broken[0]!r}")
            break
    return links


async def wake(server: FleetServer, boxes: list, links: list) -> list[float]:
    """Milliseconds of each booking until its box has it."""
    draw, waits = random.Random(1), []
    loop = asyncio.get_running_loop()
    for _ in range(WAKES):
        number = draw.randrange(len(links))
        told = await loop.run_in_executor(None, server.ask, "book", number + 1)
        raw = await asyncio.wait_for(links[number].messages.get(), GIVE_UP_S)
        waits.append((links[number].received_at - told["began"]) * 1000)
        boxes[number].open(raw)
        links[number].send(boxes[number].envelope(boxes[number].held()))
        boxes[number].open(await asyncio.wait_for(links[number].messages.get(), GIVE_UP_S))
    return waits


async def wake_all(server: FleetServer, boxes: list, links: list) -> tuple[float, float]:
    """Seconds of one right on all cars until the last box has it, and of the server's processor."""
    before = server.ask("memory")["cpu_s"]
    told = await asyncio.get_running_loop().run_in_executor(None, server.ask, "grant")
    raws = [await asyncio.wait_for(link.messages.get(), GIVE_UP_S) for link in links]
    took_s = max(link.received_at for link in links) - told["began"]
    cpu_s = server.ask("memory")["cpu_s"] - before
    for box, raw in zip(boxes, raws, strict=False):
        box.open(raw)
    return took_s, cpu_s


def proxies_for(count: int) -> int:
    """How many processes of haproxy so many links take: the kernel deals them out by chance, so with a fifth
    to spare."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return -(-count * 6 // 5 // ((hard - OTHER_FILES) // 2))


async def measure(directory: Path, count: int, way: str, up_to: int) -> tuple[int, float, float, float]:
    """Links held, bytes of each, milliseconds of a wake-up (p95), the proxy's bytes of each."""
    with contextlib.ExitStack() as stack:
        server = FleetServer(directory, max(count, up_to), way == "tls")
        stack.callback(server.end)
        proxy = None
        if way == "proxy":
            number = proxies_for(max(count, up_to))
            proxy = stack.enter_context(Proxy(directory, directory / "tls", server.port, number))
            server.port, server.tls = proxy.port, proxy.tls
            tell(f"held links: {number} processes of haproxy")
        boxes = server.boxes()
        before = server.ask("memory")["memory"]
        proxy_before = proxy.read_memory() if proxy else 0
        began = time.monotonic()
        links = await hold(server, boxes, 0, count)
        took_s = time.monotonic() - began
        there = server.ask("memory")
        each = (there["memory"] - before) / len(links)
        proxy_each = (proxy.read_memory() - proxy_before) / len(links) if proxy else 0.0
        waits = await wake(server, boxes, links)
        all_s, all_cpu_s = await wake_all(server, boxes, links)
        tell(
            f"held links: {WAYS[way]}: {there['links']} held, {each:.0f} bytes each"
            f"{f' and {proxy_each:.0f} of the proxy' if proxy else ''},"
            f" {len(links) / took_s:.0f} greeted a second, wake-up p50 {percentile(waits, 50):.1f} ms,"
            f" p95 {percentile(waits, 95):.1f} ms, a right for all {all_s:.1f} s,"
            f" {all_cpu_s:.1f} of them the server's processor"
        )
        if up_to > count:
            links += await hold(server, boxes, len(links), up_to)
            there = server.ask("memory")
            tell(f"held links: {there['links']} at the end, {there['memory'] / 2**20:.0f} MB in all")
        return there["links"], each, percentile(waits, 95), proxy_each


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--links", type=int, default=LINKS)
    parser.add_argument("--up-to", type=int, default=0)
    parser.add_argument("--only", choices=tuple(WAYS))
    parser.add_argument("--proxy", action="store_true")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the server's too
    tell(f"held links: {hard} open files a process")
    found = {}
    for name in WAYS:
        if name == "proxy" and HAPROXY is None and (options.proxy or options.only == "proxy"):
            tell("held links: no haproxy on this machine: the links through a proxy are left out")
        elif options.only == name or (options.only is None and (name != "proxy" or options.proxy)):
            with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
                found[name] = asyncio.run(measure(Path(directory), options.links, name, options.up_to))
    figures: dict[str, float] = {}
    if first := found.get("plain") or found.get("tls"):
        links, each, wake_ms, _none = first
        figures |= {"held_links": links, "held_link_bytes_each": round(each)}
        figures |= {"held_link_wake_ms_p95": round(wake_ms, 1)}
    if "proxy" in found:
        links, each, wake_ms, proxy_each = found["proxy"]
        figures |= {"proxied_links": links, "proxied_link_bytes_each": round(each)}
        figures |= {"proxied_link_proxy_bytes_each": round(proxy_each)}
        figures |= {"proxied_link_wake_ms_p95": round(wake_ms, 1)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
