"""The box's network to a server in this process: bytes in virtual time, by a seed, and what goes wrong."""

import pytest
from support_sim_core import assert_sound, printed, simulated

TALK = """
    import asyncio, machine, network, time

    async def main():
        wlan = network.WLAN()
        wlan.active(True)
        wlan.connect("town", "key")
        while not wlan.isconnected():
            await asyncio.sleep_ms(100)
        for number in range(3):
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection("cloud", 443), 5)
                writer.write(b"hello %d\\n" % number)
                await writer.drain()
                print(time.ticks_ms(), await asyncio.wait_for(reader.readline(), 5))
                writer.close()
                await writer.wait_closed()
            except (OSError, asyncio.TimeoutError) as error:
                print(time.ticks_ms(), type(error).__name__)
            await asyncio.sleep(1)

    asyncio.run(main())
"""
CERTIFICATE = (0, 1_000_000_000)


class Echo:
    """Says again what it hears. `heard` is by connection; `is_listening` False refuses."""

    certificate = CERTIFICATE

    def __init__(self):
        self.heard = []
        self.lost = 0
        self.is_listening = True

    def accept(self, port, send, close):
        if not self.is_listening:
            return None
        assert port == 443
        return _End(self, send)


class _End:
    def __init__(self, server, send):
        self._server, self._send = server, send
        self._at = len(server.heard)
        server.heard.append(b"")

    def receive(self, data):
        self._server.heard[self._at] += data
        self._send(data)

    def lose(self):
        self._server.lost += 1


def run(tmp_path, server, seconds=20, prepare=lambda sim, box: None, seed=1):
    with simulated(tmp_path, TALK, seed=seed, cloud=("cloud", 443), server=server) as (sim, box):
        prepare(sim, box)
        sim.run_for(seconds)
        assert_sound(box)
        return [line.split(" ", 1) for line in printed(box)]


def test_what_the_box_says_comes_back_each_connection_apart(tmp_path):
    server = Echo()
    told = run(tmp_path, server)
    assert [text for _, text in told] == ["b'hello 0\\n'", "b'hello 1\\n'", "b'hello 2\\n'"]
    assert server.heard == [b"hello 0\n", b"hello 1\n", b"hello 2\n"]
    assert server.lost == 3


def test_the_same_seed_takes_the_same_time_to_the_millisecond_and_another_one_does_not(tmp_path):
    first, again, other = (run(tmp_path / str(i), Echo(), seed=seed) for i, seed in enumerate((1, 1, 2)))
    assert first == again != other


def test_a_server_that_does_not_listen_refuses(tmp_path):
    server = Echo()
    server.is_listening = False
    assert {text for _, text in run(tmp_path, server)} == {"OSError"}


def test_a_connection_that_died_silently_swallows_both_ways_and_the_next_one_works(tmp_path):
    server = Echo()

    def prepare(sim, box):
        sim.run_until(lambda: box.network.has_connections, 10)
        box.network.silent_death()

    assert [text for _, text in run(tmp_path, server, 30, prepare)] == [
        "TimeoutError", "b'hello 1\\n'", "b'hello 2\\n'",
    ]  # fmt: skip
    assert server.heard == [b"hello 1\n", b"hello 2\n"]


@pytest.mark.parametrize(("attribute", "value"), [("loss", 0.5), ("delay_s", 1.0)])
def test_loss_and_delay_are_lateness(tmp_path, attribute, value):
    quick = run(tmp_path / "quick", Echo())
    late = run(tmp_path / "late", Echo(), 60, lambda sim, box: setattr(box.network, attribute, value), seed=1)
    assert [text for _, text in late] == [text for _, text in quick]
    assert int(late[-1][0]) > int(quick[-1][0]) + 500


def test_what_is_sent_while_the_network_is_away_comes_when_it_is_back(tmp_path):
    server = Echo()

    def prepare(sim, box):
        sim.run_until(lambda: box.network.has_connections, 10)
        box.network.up(False)
        sim.run_for(2)  # less than the beacons' time-out
        box.network.up(True)

    assert run(tmp_path, server, 30, prepare)[0][1] == "b'hello 0\\n'"


def test_a_replay_says_the_whole_conversation_again_to_another_end(tmp_path):
    server = Echo()

    def prepare(sim, box):
        sim.run_until(lambda: server.heard == [b"hello 0\n"], 10)
        box.network.replay()

    run(tmp_path, server, 30, prepare)
    assert server.heard == [b"hello 0\n", b"hello 0\n", b"hello 1\n", b"hello 2\n"]
    assert server.lost == 4
