"""Scenes are listed, chosen and kept over HTTP as anything else is."""

from __future__ import annotations

from pathlib import Path

from realtime.control.channel import ControlChannel, ListedScene, Status
from realtime.control.commands import ChooseScene, KeepScene, StepScene
from tests.remote.conftest import Client, until


def test_they_are_listed_by_number(client: Client, channel: ControlChannel) -> None:
    channel.scenes = lambda: [ListedScene(3, "Evening", Path("evening.toml"), None, ("style:night", "background:blur"))]
    channel.status = Status(scene="Evening")
    status, told, _ = client.ask("GET", "/scenes.json")
    assert status == 200
    assert told == {
        "scenes": [{"number": 3, "name": "Evening", "effects": ["style:night", "background:blur"]}],
        "shown": "Evening",
    }


def test_they_are_asked_for_by_name(client: Client, channel: ControlChannel) -> None:
    for name, value, command in (
        ("scene", "3", ChooseScene("3")),
        ("next-scene", None, StepScene(1)),
        ("previous-scene", None, StepScene(-1)),
        ("keep-scene", "3 Evening", KeepScene("3 Evening")),
        ("keep-scene", None, KeepScene()),
    ):
        assert client.ask("POST", f"/commands/{name}", value)[0] == 202
        assert until(channel.next_command) == command
