"""Figures `held_links`, `held_link_bytes_each`, `held_link_wake_ms_p95`: links that wait, on one server.

10,000 boxes (`--links N` for a small run) hold a link to one process of the server, plain, as behind a proxy
that ends TLS, and then, in a server of its own, over TLS. Each has greeted, taken its settings and its set.
Memory is the growth of the server's resident set from before the first link, over the links. A wake-up is a
booking asked for in the server until its envelope is at the box's socket, commit and all, one at a time, on
links drawn at random; and, told apart, one right on all cars until the last box has it. The load shares the
two cores. The figures are those of the plain links; those of TLS and of the storm go to standard error, and
with `--up-to M` as many more links as the machine bears, and what ended them. Prints one JSON object.
"""

import argparse
import asyncio
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

LINKS = 10_000
# Greetings under way at once: some milliseconds of work each.
AT_ONCE = 64
WAKES = 200
GIVE_UP_S = 120.0
ANSWERS = (0x84, 0x85)


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


async def measure(directory: Path, count: int, with_tls: bool, up_to: int) -> tuple[int, float, float]:
    """Links held, bytes of each, milliseconds of a wake-up (p95)."""
    server = FleetServer(directory, max(count, up_to), with_tls)
    try:
        boxes = server.boxes()
        before = server.ask("memory")["memory"]
        began = time.monotonic()
        links = await hold(server, boxes, 0, count)
        took_s = time.monotonic() - began
        there = server.ask("memory")
        each = (there["memory"] - before) / len(links)
        waits = await wake(server, boxes, links)
        all_s, all_cpu_s = await wake_all(server, boxes, links)
        tell(
            f"held links: {'TLS' if with_tls else 'plain'}: {there['links']} held, {each:.0f} bytes each,"
            f" {len(links) / took_s:.0f} greeted a second, wake-up p50 {percentile(waits, 50):.1f} ms,"
            f" p95 {percentile(waits, 95):.1f} ms, a right for all {all_s:.1f} s,"
            f" {all_cpu_s:.1f} of them the server's processor"
        )
        if up_to > count:
            links += await hold(server, boxes, len(links), up_to)
            there = server.ask("memory")
            tell(f"held links: {there['links']} at the end, {there['memory'] / 2**20:.0f} MB in all")
        return there["links"], each, percentile(waits, 95)
    finally:
        server.end()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--links", type=int, default=LINKS)
    parser.add_argument("--up-to", type=int, default=0)
    parser.add_argument("--only", choices=("plain", "tls"))
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the server's too
    tell(f"held links: {hard} open files a process")
    found = {}
    for name in ("plain", "tls"):
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="glovebox-bench-") as directory:
                found[name] = asyncio.run(
                    measure(Path(directory), options.links, name == "tls", options.up_to)
                )
    links, each, wake_ms = found.get("plain") or found["tls"]
    print(
        json.dumps(
            {
                "held_links": links,
                "held_link_bytes_each": round(each),
                "held_link_wake_ms_p95": round(wake_ms, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
