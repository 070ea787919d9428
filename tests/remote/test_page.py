"""The page in a real browser: what is pressed reaches the run, what changes is shown, and all of it has a name."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseBackground, ChooseEffect, ChooseItem, SetPaused
from realtime.control.parameters import Parameters
from realtime.core import language
from realtime.remote.http import page_words
from tests.remote import browser
from tests.remote.conftest import STATUS, Client, Settings, until

pytestmark = pytest.mark.skipif(browser.found() is None, reason="no Chromium or Chrome here")

CONTROLS = {"button", "slider", "switch", "checkbox", "combobox", "textbox", "spinbutton", "link", "DisclosureTriangle"}


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.opened(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser_page: browser.Page, serve: Callable[..., Client]) -> Iterator[browser.Page]:
    client = serve(find_effects=lambda: ["none", "style:night", "style:woodblock"])
    browser_page.errors.clear()
    browser_page.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    browser_page.open(f"http://{client.address}/")
    until(lambda: browser_page.run("document.querySelectorAll('#effects button, .control').length") == 3 + 7)
    yield browser_page
    errors = list(browser_page.errors)
    browser_page.open("about:blank")
    assert errors == []


def test_what_is_pressed_reaches_the_run(page: browser.Page, channel: ControlChannel) -> None:
    page.press('[data-command="pause"]')
    assert until(channel.next_command) == SetPaused(True)
    channel.status = dataclasses.replace(STATUS, paused=True)
    until(lambda: page.run("document.querySelector('[data-command=pause]').ariaPressed") == "true")
    assert page.run("document.getElementById('badges').textContent") == "paused"
    page.press('[data-choice="style:woodblock"]')
    assert until(channel.next_command) == ChooseEffect("style:woodblock")
    page.press('[data-choice="Lisa"]')
    assert until(channel.next_command) == ChooseItem("Lisa")
    page.press("#next-item")
    assert until(channel.next_command) == ChooseItem("")


def test_every_control_sets_its_parameter(page: browser.Page, channel: ControlChannel) -> None:
    parameters = channel.parameters
    page.press("[id='parameter-style.steady']")
    until(lambda: parameters.get("style.steady") is False)
    page.run("document.getElementById('parameter-style.strength').focus()")
    page.key("ArrowLeft", 37)
    until(lambda: parameters.get("style.strength") == pytest.approx(0.99))
    assert page.run("document.querySelector('[for=\"parameter-style.strength\"] + output').textContent") == "99%"
    typed = {"corner": "right", "words": "ciao", "seed": 7, "seconds": 4.0}
    for name, value in typed.items():
        page.run(
            f"(() => {{ const e = document.getElementById('parameter-style.{name}'); e.value = '{value}';"
            "e.dispatchEvent(new Event('change')); })()"
        )
    until(lambda: {name: parameters.get(f"style.{name}") for name in typed} == typed)
    page.press("[aria-label='Reset style']")
    until(lambda: channel.parameters.list()[0][2] == 1.0 and parameters.get("style.seed") is None)


def test_what_others_change_is_shown(page: browser.Page, channel: ControlChannel) -> None:
    channel.parameters.set("style.strength", 0.25)
    channel.parameters.set("style.steady", False)
    until(lambda: page.run("document.getElementById('parameter-style.strength').value") == "0.25")
    until(lambda: page.run("document.getElementById('parameter-style.steady').checked") is False)
    channel.parameters.drop("style")
    channel.parameters.hold("swap", Parameters(Settings(strength=0.5)))
    until(lambda: page.run("document.getElementById('parameter-swap.strength')?.value") == "0.5")
    assert page.run("document.getElementById('parameter-style.strength')") is None
    channel.say("saved a.png")
    until(lambda: page.run("document.getElementById('message').textContent") == "saved a.png")


def test_the_status_and_the_picture_are_seen(page: browser.Page, channel: ControlChannel) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    hour = datetime.datetime.now(zone).replace(minute=0, second=0, microsecond=0)
    hours = [(hour - datetime.timedelta(hours=back)).isoformat(timespec="minutes") for back in (2, 1)]
    channel.status = dataclasses.replace(STATUS, viewers_by_hour=tuple(zip(hours, (3, 41), strict=True)))
    until(lambda: page.run("document.getElementById('picture').naturalWidth") == 960)
    until(lambda: page.run("document.getElementById('connection').textContent") == "live")
    figures = page.run(
        "[...document.querySelectorAll('#figures div')].map(e => e.innerText.replace(/\\s+/g, ' ')).join('|')"
    )
    assert figures.split("|")[0] == "frames/s 30.0" or figures.split("|")[0] == "30.0 frames/s"
    assert page.run("document.getElementById('item-now').textContent") == "Night"
    assert page.run("document.getElementById('item-next').textContent") == "next: Lisa at 18:30"
    told = [f"{hours[0][11:13]}:00, 3 viewers", f"{hours[1][11:13]}:00, 41 viewers"]
    until(lambda: page.run("[...document.querySelectorAll('#viewers .some')].map(e => e.title)") == told)
    assert page.run("document.getElementById('viewers-total').textContent") == "44 in 24 hours"


def test_every_control_has_a_name_and_a_label(page: browser.Page) -> None:
    nodes: list[dict[str, Any]] = page.call("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
    names = {str(node.get("name", {}).get("value", "")) for node in controls}
    assert "" not in names
    roles = {node["role"]["value"] for node in controls}
    assert {"button", "slider", "switch", "combobox", "textbox", "spinbutton"} <= roles
    described = {node["name"]["value"]: node.get("description", {}).get("value", "") for node in controls}
    assert described["Strength"] == "how much"
    pictures = [node for node in nodes if not node["ignored"] and node["role"]["value"] == "image"]
    assert [node["name"]["value"] for node in pictures] == ["The picture as it is shown now"]
    headings = [node["name"]["value"] for node in nodes if node["role"]["value"] == "heading"]
    assert headings[0] == "realtime"
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_can_be_read(page: browser.Page, width: int, scheme: str) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=1, mobile=width < 500)
    wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    page.call("Emulation.setEmulatedMedia", features=[{"name": name, "value": wish} for name, wish in wishes.items()])
    assert page.run("document.documentElement.scrollWidth") <= width
    until(lambda: page.run(CONTRASTS) == [])
    assert page.run(TOO_SMALL) == 0


TOO_SMALL = """
[...document.querySelectorAll('button, select, input:not([type=range])')].filter((e) => e.offsetParent)
  .map((e) => e.getBoundingClientRect()).filter((box) => box.height < 28 || box.width < 28).length
"""
CONTRASTS = """
(() => {
  const number = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = number(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.5) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!says || !e.offsetParent || e.closest('.hidden, .skip, option, noscript')) continue;
    const fore = number(getComputedStyle(e).color), back = behind(e);
    const opacity = Number(getComputedStyle(e).opacity);
    const mixed = fore.slice(0, 3).map((v, i) => v * opacity + back[i] * (1 - opacity));
    const [a, b] = [light(mixed), light(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}`);
  }
  return poor;
})()
"""


def test_it_is_worked_by_keys_alone(page: browser.Page, channel: ControlChannel) -> None:
    reached = []
    for _ in range(60):
        page.key("Tab", 9)
        reached.append(page.run("document.activeElement.id || document.activeElement.innerText || ''"))
        if "parameter-style.seed" in reached:
            break
    assert reached[0] == "Skip to the settings"
    parameters = [name for name in reached if name.startswith("parameter-")]
    assert parameters == [f"parameter-style.{name}" for name in itertools.islice(Settings.__dataclass_fields__, 7)]
    outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_token_is_asked_for_once(browser_page: browser.Page, serve: Callable[..., Client], tmp_path: Path) -> None:
    client = serve(host="0.0.0.0")  # noqa: S104 - for a moment, and only with the token
    browser_page.open(f"http://{client.address}/")
    until(lambda: browser_page.run("document.getElementById('token') !== null"))
    token = (tmp_path / "t" / "token").read_text().strip()
    browser_page.run(f"document.getElementById('token').value = '{token}'")
    browser_page.press("button[type=submit]")
    until(lambda: browser_page.run("document.getElementById('connection')?.textContent") == "live")
    assert browser_page.run("location.search") == ""
    assert token not in browser_page.run("document.cookie")
    browser_page.open("about:blank")


def test_it_speaks_the_program_s_language(
    browser_page: browser.Page,
    serve: Callable[..., Client],
    channel: ControlChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    language.forget()
    try:
        client = serve(find_effects=lambda: ["none", "style:night", "background:blur"])
        channel.status = dataclasses.replace(STATUS, paused=True, spec="style:night", background="background:#00ff00")
        browser_page.open(f"http://{client.address}/")
        until(lambda: browser_page.run("document.querySelectorAll('#backgrounds button').length") == 3)
        assert browser_page.run("document.documentElement.lang") == "zh"
        assert browser_page.run("document.getElementById('badges').textContent") == "已暂停"
        words = str(browser_page.run("document.body.innerText"))
        for chinese in ("节目单", "每小时的观众", "实时", "24 小时内 44 位", "接下来：18:30 Lisa", "帧/秒", "重置"):
            assert chinese in words
        for english in ("Viewers by hour", "Programme", "Next item", "live", "Reset", "restarts"):
            assert english not in words
        pressed = "[...document.querySelectorAll('#effects,#backgrounds')].map(box => "
        pressed += "box.querySelector('[aria-pressed=true]').dataset.choice).join()"
        assert browser_page.run(pressed) == "style:night,background:#00ff00"
        browser_page.press('#backgrounds [data-choice="none"]')
        assert until(channel.next_command) == ChooseBackground("none")
    finally:
        monkeypatch.undo()
        language.forget()
        browser_page.open("about:blank")


def test_words_are_escaped_where_they_are_put_into_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_words, "_", lambda text: f'"><script>{text}')
    page = page_words.translated(b'<p title="{{a}}" data-words="{{=words}}">{{b}}</p>', b'_("c")').decode()
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3
