"""The tool never guesses a port."""

import pytest
from glovebox_tools.box.board import BoardError
from glovebox_tools.box.ports import choose, describe
from serial.tools.list_ports_common import ListPortInfo


def port(device, vid=None, pid=None, **more):
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid = vid, pid
    for name, value in more.items():
        setattr(info, name, value)
    return info


CP2102 = port("/dev/ttyUSB1", 0x10C4, 0xEA60)
CH340 = port("/dev/ttyUSB0", 0x1A86, 0x7523)
BUILT_IN = port("/dev/ttyS0", description="16550A")
PRINTER = port("/dev/ttyACM3", 0x04F9, 0x0001, manufacturer="Brother", product="QL-800")


def test_each_port_is_told_for_what_it_is():
    told = {
        found.device: (found.what, found.may_be_box) for found in describe([CP2102, CH340, BUILT_IN, PRINTER])
    }
    assert told == {
        "/dev/ttyACM3": ("Brother QL-800", False),
        "/dev/ttyS0": ("16550A", False),
        "/dev/ttyUSB0": ("WCH CH340", True),
        "/dev/ttyUSB1": ("Silicon Labs CP210x", True),
    }


def test_a_single_box_is_taken_whatever_else_is_plugged_in():
    assert choose(None, describe([CP2102, BUILT_IN, PRINTER])) == "/dev/ttyUSB1"


def test_with_two_that_can_be_a_box_it_asks_and_names_both():
    with pytest.raises(BoardError) as refused:
        choose(None, describe([CP2102, CH340]))
    assert refused.value.key == "several_ports"
    assert refused.value.values["ports"] == "/dev/ttyUSB0, /dev/ttyUSB1"


def test_with_none_that_can_be_a_box_it_takes_none():
    with pytest.raises(BoardError) as refused:
        choose(None, describe([BUILT_IN, PRINTER]))
    assert refused.value.key == "no_port"


def test_a_named_port_is_taken_as_it_is():
    assert choose("/dev/pts/7", []) == "/dev/pts/7"
