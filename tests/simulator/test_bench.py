"""The bench by its addresses and its WebSocket; the page itself is tried in test_bench_page.py."""

import pytest
from fastapi.testclient import TestClient
from glovebox_sim.bench.observer import Observer
from glovebox_sim.bench.server import STATIC, Bench, BenchError, BenchServer, create_app
from glovebox_sim.faults import FAULTS
from glovebox_sim.simulation import Simulation
from starlette.websockets import WebSocketDisconnect
from support_sim_world import make_world

HERE = "http://127.0.0.1"


@pytest.fixture
def sim():
    with Simulation(seed=11) as made:
        yield made


@pytest.fixture
def world(sim, tmp_path):
    made = make_world(sim, tmp_path)
    yield made
    made.close()


@pytest.fixture
def bench(sim, world):
    cards = [{"uid": "04A1B2C3D4E5F6", "name": "Claire"}]
    made = Bench(sim, [world], cards=cards, links={"Console": "http://127.0.0.1:1/"})
    yield made
    made.close()


@pytest.fixture
def client(bench):
    with TestClient(create_app(bench), base_url=HERE) as made:
        yield made


def do(client, slug, **arguments):
    return client.post(f"/api/cars/AB-123-CD/actions/{slug}", json=arguments)


def test_the_bench_says_what_there_is(client):
    said = client.get("/api/bench").json()
    assert said["cars"] == ["AB-123-CD"]
    assert said["cards"] == [{"uid": "04A1B2C3D4E5F6", "name": "Claire"}]
    assert {fault["slug"] for fault in said["faults"]} == set(FAULTS)
    assert "town" in [trace["slug"] for trace in said["traces"]]
    assert "town_loop" in [route["slug"] for route in said["routes"]]
    for named in (*said["traces"], *said["routes"]):
        assert all(named["words"][language] for language in ("en", "fr"))
    first = next(route for route in said["routes"] if route["is_loop"])
    assert first == said["routes"][0], "what the page offers first ends where it began"


def test_an_action_is_done_and_seen(client, world, sim):
    assert do(client, "hold_card", uid="04A1B2C3D4E5F6").status_code == 200
    world.car.locked = False
    assert do(client, "open_door").json() == {"words": None}
    sim.run_for(0.5)
    seen = client.get("/api/cars/AB-123-CD").json()
    assert seen["chips"]["cards"] == ["04a1b2c3d4e5f6"]
    assert seen["chips"]["door_open"] is True
    words = [event["words"]["fr"] for event in seen["events"]]
    assert words == ["Badge présenté au pare-brise", "Une porte s'ouvre"]


def test_what_cannot_be_done_is_answered_in_words_and_a_fitting_status(client):
    refused = do(client, "get_in")
    assert refused.status_code == 409
    assert refused.json() == {
        "code": "door_locked",
        "words": {"en": "The doors are locked.", "fr": "Les portes sont verrouillées."},
    }
    assert do(client, "fly").status_code == 404
    assert do(client, "hold_card", uid="1").status_code == 422
    assert client.post("/api/cars/nobody/actions/get_in", json={}).status_code == 404
    assert client.post("/api/cars/AB-123-CD/actions/get_in", content=b"[1]").status_code == 422


def test_the_websocket_tells_all_at_first_and_changes_later(client, world):
    with client.websocket_connect("ws://127.0.0.1/ws") as socket:
        first = socket.receive_json()
        assert first["cars"]["AB-123-CD"]["box"]["contact"] == "allow"
        do(client, "inject", fault="relay_shock")
        later = socket.receive_json()
        assert later["cars"]["AB-123-CD"]["box"]["contact"] == "inhibit"
        told = [event["words"]["en"] for event in later["cars"]["AB-123-CD"]["events"]]
        assert "Relay: inhibit" in told


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"host": "127.0.0.1.evil.example"}],
)
def test_a_foreign_page_reaches_nothing(client, headers):
    assert client.get("/api/bench", headers=headers).status_code == 403
    assert client.post("/api/cars/AB-123-CD/actions/open_door", json={}, headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://127.0.0.1/ws", headers=headers) as socket,
    ):
        socket.receive_json()


def test_a_page_of_the_bench_itself_is_served(client):
    assert client.get("/api/bench", headers={"origin": HERE}).status_code == 200
    assert client.get("/api/bench", headers={"host": "localhost:8123"}).status_code == 200


def test_a_large_body_is_refused(client):
    assert client.post("/api/cars/AB-123-CD/actions/get_in", content=b" " * 5000).status_code == 413


def test_the_page_and_its_parts_come_from_here_alone(client):
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for part in STATIC.iterdir():
        text = part.read_text(encoding="utf-8")
        assert "http://" not in text.replace("http://www.w3.org/", "").replace("xmlns='http:", "")
        assert "https://" not in text
        if part.name != "index.html":
            assert client.get(f"/static/{part.name}").status_code == 200


def test_the_pages_words_exist_in_both_languages(client):
    import re

    text = (STATIC / "words.js").read_text(encoding="utf-8")
    english, french = text.split("\n  fr: {")
    keys = [
        set(re.findall(r"(?<![\w\"])([a-z_0-9]+): [\"{]", part)) - {"en", "fr"} for part in (english, french)
    ]
    assert keys[0] == keys[1]
    used = set(re.findall(r"\bw\.([a-z_0-9]+)", (STATIC / "bench.js").read_text(encoding="utf-8")))
    used |= set(re.findall(r'data-wl?="([a-z_]+)"', (STATIC / "index.html").read_text(encoding="utf-8")))
    assert used <= keys[0]


def test_a_melody_is_told_once_it_is_over(world):
    observer = Observer(world)
    now = world.sim.now
    for at, hz in ((0, 900), (0.1, 0), (0.15, 1500), (0.25, 0)):
        observer.event(now + at, "buzzer", "tone", {"hz": hz})
    assert observer.look()["sound"]["id"] == 0
    world.sim.run_for(2)
    assert observer.look()["sound"]["words"]["en"] == "2 short rising beeps"
    told = [event["words"]["fr"] for event in observer.news(0)["events"]]
    assert told == ["Son : 2 bips montants courts"]


def test_a_turning_light_is_told_once_and_a_steady_one_by_its_shape(world):
    observer = Observer(world)
    now = world.sim.now
    dark, green = (0, 0, 0), (0, 40, 0)

    def frame(at, pixels):
        observer.event(now + at, "light", "frame", {"pixels": pixels})

    for i in range(40):
        frame(i * 0.08, [green if j == i % 8 else dark for j in range(8)])
    frame(3.2, [dark] * 8)
    frame(5, [green] * 8)
    frame(5.1, [green, dark] * 4)
    frame(6, [dark] * 8)
    frame(6.1, [green, dark] * 4)
    frame(7, [dark] * 8)
    told = [event["words"]["en"] for event in observer.news(0)["events"]]
    assert told == ["Light: one point moving, green", "Light: cross, green"]


def test_a_light_that_stays_is_told_while_it_stays(world):
    observer = Observer(world)
    observer.event(world.sim.now, "light", "frame", {"pixels": [(40, 0, 0)] * 8})
    assert observer.news(0)["events"] == []
    world.sim.run_for(1)
    told = [event["words"]["fr"] for event in observer.news(0)["events"]]
    assert told == ["Voyant : anneau entier, rouge"]


def test_a_ticking_sound_is_told_once(world):
    observer = Observer(world)
    for _ in range(6):
        observer.event(world.sim.now, "buzzer", "tone", {"hz": 1175})
        world.sim.run_for(0.08)
        observer.event(world.sim.now, "buzzer", "tone", {"hz": 0})
        world.sim.run_for(0.56)
    told = [event["words"]["en"] for event in observer.news(0)["events"]]
    assert told == ["Sound: one short middle beep"]


def test_what_is_kept_of_a_long_day_is_bounded(world):
    observer = Observer(world)
    for i in range(5_000):
        observer.event(world.sim.now, "log", "line", {"text": str(i)})
        observer.event(world.sim.now, "box", "reset", {})
    news = observer.news(0)
    assert len(news["log"]) == 200
    assert len(news["events"]) == 120


def test_a_taken_port_is_said(bench):
    one = BenchServer(bench)
    address = one.start()
    try:
        port = int(address.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(BenchError, match=f"port {port} cannot be had"):
            BenchServer(bench, port)
    finally:
        one.stop()
