"""From a claim token to a box that knows who it is: the real cloud, the real firmware, the real mpremote."""

import json
import shutil
import sys

import pytest
from glovebox.boxes import service as boxes
from glovebox.config import Config
from glovebox.fleet import service as fleet
from glovebox.scope import SYSTEM
from glovebox.serving import Server
from glovebox_sim.network import AccessPoint
from glovebox_sim.virtual_board import VirtualBoard
from glovebox_sim.virtual_board_box import SimulatedMachine
from glovebox_tools.box import provision as provisioning
from glovebox_tools.box.board import Board, BoardError
from glovebox_tools.box.messages import Words

NOW = 1_780_000_000
PASSWORD = "un mot de passe"


class Deployment:
    """A cloud on loopback with one car, and tokens for it."""

    def __init__(self, directory):
        self.now = NOW
        self.config = Config(directory, web_port=0, box_port=0)
        self.server = Server(self.config, clock=lambda: float(self.now))
        self.server.start()
        self.cloud = self.server.apps.cloud
        self.url = f"https://localhost:{self.server.box_port}"
        self.ca = self.config.tls_directory / "ca.pem"
        self.cloud.writer.run(self._seed)

    def _seed(self, tx):
        town = fleet.add_organisation(tx, NOW, "Ville de X")
        pool = fleet.add_pool(tx, town, "Centre")
        site = fleet.add_site(tx, town, "Mairie", 472735000, -22137000, 150)
        self.vehicle = fleet.add_vehicle(
            tx, organisation_id=town, pool_id=pool, site_id=site, registration="AB-123-CD", make="Renault",
            model="Clio", energy="petrol", seats=5, interlock_kind="starter_wire", key_holder_fitted=1,
            tank_ml=45_000,
        )  # fmt: skip

    def token(self):
        keyring, entropy = self.cloud.keyring, self.cloud.entropy
        return self.cloud.writer.run(
            lambda tx: boxes.add_claim_token(tx, self.now, SYSTEM, keyring, entropy, self.vehicle)
        )


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    deployment = Deployment(tmp_path_factory.mktemp("cloud"))
    yield deployment
    deployment.server.stop()


@pytest.fixture
def machine(flashed, tmp_path):
    shutil.copytree(flashed, tmp_path / "board")
    machine = SimulatedMachine(tmp_path / "board")
    machine.box.board.costs["wifi_join_us"] = 20_000  # real time, and the box tries each network first
    return machine


@pytest.fixture
def wifi_file(tmp_path):
    (tmp_path / "wifi").write_text(PASSWORD + "\n")
    return str(tmp_path / "wifi")


@pytest.fixture
def provision(glovebox_box, cloud, wifi_file):
    """`glovebox-box provision` with what every run needs."""

    def run(token, *, url=None, ca=True):
        arguments = ["--cloud", url or cloud.url, "--token", token, "--wifi", "Garage"]
        arguments += ["--wifi-password-file", wifi_file]
        return glovebox_box("provision", *arguments, *(["--ca", str(cloud.ca)] if ca else []))

    return run


@pytest.fixture
def verify(glovebox_box, real_firmware):
    return lambda: glovebox_box("verify", "--firmware", str(real_firmware))


def test_a_flashed_box_becomes_the_box_of_its_car_and_is_verified(provision, cloud, verify):
    code, said, complaint = provision(cloud.token())
    assert (code, complaint) == (0, "")
    assert "for vehicle AB-123-CD" in said
    assert "read back and compared" in said
    code, said, _ = verify()
    assert code == 0
    assert f"cloud localhost:{cloud.server.box_port}" in said
    assert "Wi-Fi networks: Garage" in said
    assert "all as in this checkout" in said


def test_no_key_and_no_password_is_ever_shown(provision, cloud, board, heard, verify):
    code, said, complaint = provision(cloud.token())
    assert code == 0
    _, verified, _ = verify()
    with cloud.cloud.store.read() as tx:
        (box,) = [box for box in boxes.list_boxes(tx, SYSTEM) if box.vehicle_id == cloud.vehicle]
    shown = said + complaint + verified + heard.wait_for("glovebox-answer")
    assert box.box_id in shown
    assert PASSWORD not in shown
    for purpose in ("wire", "time", "badge", "journal", "authorisations"):
        assert cloud.cloud.keyring.box_key(bytes.fromhex(box.box_id), box.key_id, purpose).hex() not in shown


LOOKING = """
import json, os, sys
text = open(sys.argv[-1]).read()
told = {"argv": sys.argv, "got": "the secret" in text, "files": os.listdir(os.environ["TMPDIR"])}
print("glovebox-answer " + json.dumps(told))
"""


def test_a_secret_goes_to_the_board_by_no_command_line_and_no_file(tmp_path, monkeypatch):
    (tmp_path / "looking.py").write_text(LOOKING)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    board = Board("/dev/null", (sys.executable, str(tmp_path / "looking.py")))
    told = board.ask("provision.py", {"key": "the secret"})
    assert told["got"]
    assert told["files"] == []
    assert "the secret" not in " ".join(told["argv"])


def test_a_used_token_is_refused_and_the_box_keeps_what_it_has(provision, cloud, verify):
    token = cloud.token()
    assert provision(token)[0] == 0
    before = verify()[1]
    code, _, complaint = provision(token)
    assert code == 1
    assert "does not accept this claim token" in complaint
    assert "Make a new one" in complaint
    assert verify()[1] == before


def test_an_expired_and_an_invented_token_are_refused_and_nothing_is_written(provision, cloud, verify):
    token = cloud.token()
    cloud.now += 15 * 60 + 1
    try:
        code, _, complaint = provision(token)
        assert (code, "valid once and for 15 minutes" in complaint) == (1, True)
        assert provision("0123456789abcdef")[0] == 1
    finally:
        cloud.now = NOW
    code, said, _ = verify()
    assert code == 1
    assert "no identity yet" in said


def test_a_cloud_whose_certificate_is_unknown_is_not_trusted_and_costs_no_token(provision, cloud):
    token = cloud.token()
    code, _, complaint = provision(token, ca=False)
    assert code == 1
    assert "is not trusted" in complaint
    assert "--ca" in complaint
    assert provision(token)[0] == 0


def test_a_cloud_that_is_away_costs_no_token(provision, cloud):
    token = cloud.token()
    code, _, complaint = provision(token, url="https://localhost:1")
    assert code == 1
    assert "cannot be reached" in complaint
    assert provision(token)[0] == 0


def test_a_wrong_wifi_password_is_told_and_costs_no_token(provision, cloud, machine, verify):
    machine.box.network.access_points = [AccessPoint("Garage", bytes(6), key="another password")]
    token = cloud.token()
    code, _, complaint = provision(token)
    assert code == 1
    assert "Garage refuses this password" in complaint
    assert "token was not used" in complaint
    assert "no identity yet" in verify()[1]
    machine.box.network.access_points = [AccessPoint("Garage", bytes(6), key=PASSWORD)]
    code, said, _ = provision(token)
    assert code == 0
    assert "Garage: joined" in said


def test_a_network_that_is_not_heard_is_told_and_hinders_nothing(provision, cloud, machine, monkeypatch):
    monkeypatch.setattr(provisioning, "JOIN_S", 0.5)
    machine.box.network.accepts_any = False
    code, said, _ = provision(cloud.token())
    assert code == 0
    assert "Garage: not heard here" in said


def test_the_consoles_port_instead_of_the_boxes_costs_no_token(provision, cloud):
    token = cloud.token()
    code, _, complaint = provision(token, url=f"http://localhost:{cloud.server.web_port}")
    assert code == 1
    assert "is not the boxes' server" in complaint
    assert provision(token)[0] == 0


def test_a_refused_token_leaves_the_box_running(provision, cloud, heard):
    assert provision(cloud.token())[0] == 0
    refused = []
    heard.wait_for_next("virtual board: reset", lambda: refused.append(provision("0123456789abcdef")[0]))
    assert refused == [1]


def test_provisioning_again_with_a_new_token_gives_new_keys_to_the_same_box(provision, cloud, verify):
    provision(cloud.token())
    first = verify()[1]
    assert provision(cloud.token())[0] == 0
    second = verify()[1]
    name = "Identity: box "
    assert first.split(name)[1][:16] == second.split(name)[1][:16]
    assert first != second


def test_unplugged_while_the_identity_is_written_it_says_that_the_token_is_spent(board, cloud):
    said = []

    def say(text):
        said.append(text)
        if text.startswith("Claimed"):
            board.unplug()

    wifi = [{"ssid": "Garage", "password": PASSWORD}]
    with pytest.raises(BoardError) as failed:
        provisioning.provision(Board(board.port), Words("en"), say, cloud.url, cloud.token(), wifi, cloud.ca)
    assert failed.value.key in ("unplugged", "port_gone")
    assert "Make a new token" in said[-1]
    board.plug()
    provisioning.provision(
        Board(board.port), Words("en"), said.append, cloud.url, cloud.token(), wifi, cloud.ca
    )
    assert said[-1].startswith("Done")


def test_a_box_without_firmware_costs_no_token(tmp_path, cloud):
    token = cloud.token()
    with VirtualBoard(SimulatedMachine(tmp_path / "bare")) as bare, pytest.raises(BoardError) as failed:
        provisioning.provision(Board(bare.port), Words("en"), lambda _: None, cloud.url, token, [], cloud.ca)
    assert failed.value.key == "no_firmware"
    claimed = provisioning.fetch_claim(cloud.url, token, "24:6f:28:00:00:09", cloud.ca)
    assert json.dumps(claimed.bundle)
