"""The bench's web server: one page, a WebSocket of what is seen, and one address per action.

For this machine only: it listens on 127.0.0.1, refuses any other host name (a page elsewhere could
otherwise reach it by a name that resolves here) and any request a foreign page sends. There is no login, as
there is none at a bench.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Body, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from .. import faults, route, speed_trace
from ..world import CarWorld
from ..world_actions import ACTIONS, ActionRefused, act
from .observer import Observer

STATIC = Path(__file__).parent / "static"
LOOK_EACH_S = 0.1
MAX_BODY_BYTES = 4096
START_LIMIT_S = 20.0
HEARTBEAT_S = 5.0
"""A page that has gone away is noticed by the next word sent to it."""
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass
class Bench:
    """The cars at the bench and what the tester has at hand.

    `cards` are dictionaries with `uid` (hex), `name` and perhaps `note`, each a text or one per language
    (`{"en": ..., "fr": ...}`); `places` have `name`, `lat`, `lon`; `links` are shown in the head of the
    page, by name (the fleet's console).
    """

    sim: Any
    worlds: Sequence[CarWorld]
    cards: Sequence[dict[str, Any]] = ()
    places: Sequence[dict[str, Any]] = ()
    links: dict[str, str] = field(default_factory=dict)
    traces: Path | None = None

    def __post_init__(self) -> None:
        self.observers = {world.name: Observer(world) for world in self.worlds}
        self.is_ending = False
        self.sim.on_event.append(self._event)

    def _event(self, t: float, box: str, source: str, name: str, data: dict[str, Any]) -> None:
        observer = self.observers.get(box)
        if observer is not None:
            observer.event(t, source, name, data)

    def close(self) -> None:
        self.sim.on_event.remove(self._event)

    def describe(self) -> dict[str, Any]:
        """What does not change: cards, actions, faults, traces, routes, places."""
        folder = (
            sorted(p.stem for p in self.traces.glob("*.*") if p.suffix in (".txt", ".csv"))
            if self.traces
            else []
        )
        by_length = sorted(((n, route.find(n)) for n in route.names()), key=lambda item: item[1].length_m)
        return {
            "cars": [world.name for world in self.worlds],
            "cards": list(self.cards),
            "places": list(self.places),
            "links": self.links,
            "traces": [
                *({"slug": slug, "words": words} for slug, words in speed_trace.WORDS.items()),
                *({"slug": slug, "words": {"en": slug, "fr": slug}} for slug in folder),
            ],
            "routes": [
                {"slug": slug, "words": route.words(slug), "is_loop": found.is_loop}
                for slug, found in by_length
            ],
            "actions": {a.slug: {"group": a.group, "words": a.words} for a in ACTIONS.values()},
            "faults": [
                {"slug": f.slug, "words": f.words, "expect": f.expect, "lasts": f.mend is not None}
                for f in faults.FAULTS.values()
            ],
        }


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in LOCAL_NAMES


def _is_foreign(headers: Any) -> bool:
    """A request by a name that is not this machine's, or from a page that is not the bench's."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    return not _is_local(host) or (origin is not None and origin.partition("://")[2] != host)


def create_app(bench: Bench) -> FastAPI:
    """The bench as an ASGI application."""
    app = FastAPI(title="Glovebox bench", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        length = request.headers.get("content-length", "0")
        if _is_foreign(request.headers):
            return JSONResponse({"detail": "the bench answers this machine only"}, 403)
        if not length.isdigit() or int(length) > MAX_BODY_BYTES or "transfer-encoding" in request.headers:
            return JSONResponse({"detail": "too much"}, 413)
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    def find(name: str) -> Observer:
        observer = bench.observers.get(name)
        if observer is None:
            raise HTTPException(404, f"no car called {name}")
        return observer

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api/bench")
    def describe() -> dict[str, Any]:
        return bench.describe()

    @app.get("/api/cars/{name}")
    def look(name: str) -> dict[str, Any]:
        observer = find(name)
        return {**observer.look(), **observer.news(0)}

    @app.post("/api/cars/{name}/actions/{slug}")
    def do(name: str, slug: str, arguments: dict[str, Any] = Body(default={})) -> Response:  # noqa: B008
        world = find(name).world
        try:
            return JSONResponse({"words": act(world, slug, arguments)})
        except ActionRefused as refused:
            status = (
                404 if refused.code == "unknown_action" else 422 if refused.code == "bad_arguments" else 409
            )
            return JSONResponse({"code": refused.code, "words": refused.words}, status)

    @app.websocket("/ws")
    async def watch(page: WebSocket) -> None:
        if _is_foreign(page.headers):
            await page.close(4403)
            return
        await page.accept()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            async for text in _changes(bench):
                await page.send_text(text)
            await page.close(1001)

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def _changes(bench: Bench) -> AsyncIterator[str]:
    """What a page must be told: each car's state when it changed, its news, now and then that we live."""
    told: dict[str, str] = {}
    silent_s = 0.0
    last: dict[str, int] = dict.fromkeys(bench.observers, 0)
    while not bench.is_ending:
        message: dict[str, Any] = {"cars": {}, "now": bench.sim.now}
        for name, observer in bench.observers.items():
            state = await asyncio.to_thread(observer.look)
            news = observer.news(last[name])
            text = json.dumps(state)
            if text != told.get(name) or news["last"] > last[name]:
                message["cars"][name] = {**state, **news}
                told[name], last[name] = text, news["last"]
        silent_s += LOOK_EACH_S
        if message["cars"] or silent_s >= HEARTBEAT_S:
            silent_s = 0.0
            yield json.dumps(message)
        await asyncio.sleep(LOOK_EACH_S)


class BenchError(RuntimeError):
    """The page cannot be served."""


class BenchServer:
    """Serves a bench on 127.0.0.1 in a thread. `start()` answers the address; port 0 takes a free one.

    Raises `BenchError` when the port is taken.
    """

    def __init__(self, bench: Bench, port: int = 0) -> None:
        self._bench = bench
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
        except OSError as problem:
            raise BenchError(f"port {port} cannot be had: {problem.strerror}") from problem
        config = uvicorn.Config(create_app(bench), log_level="warning", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.01)
        self._ready.set()
        await serving

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def start(self) -> str:
        self._thread.start()
        self._ready.wait(START_LIMIT_S)
        if not self._server.started:
            raise BenchError("the bench's page could not be served")
        return f"http://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        self._bench.is_ending = True
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(START_LIMIT_S)
        self._socket.close()
