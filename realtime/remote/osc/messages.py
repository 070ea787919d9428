"""OSC as bytes: packets into messages, messages into arguments, a value into a message. Untrusted, so bounded."""

from __future__ import annotations

from collections.abc import Iterator

from realtime.core.errors import FAULTS, OptionError
from realtime.core.language import _
from realtime.core.settings import Value

Argument = bool | int | float | str | None

LARGEST_PACKET = 65_535
_BUNDLE = b"#bundle\0"
_BUNDLE_HEADER = 16  # the word and a time tag
_DEEPEST_BUNDLE = 4
_MOST_MESSAGES = 256
"""In one packet, bundles counted too. A desk that sends a whole scene sends a few dozen."""
_LONGEST_ADDRESS = 255
_LONGEST_MESSAGE = 1024
_TYPES = frozenset(b"ifhdsTFN")


def messages_in(packet: bytes) -> Iterator[bytes]:
    """Yield the messages of a packet, unread, those of bundles in their order; what is no OSC is left out.

    Time tags are not waited for: a control moves the picture now. Cheap: no message is parsed here.
    """
    left = _MOST_MESSAGES
    waiting = [(packet, 0)]
    while waiting and left:
        left -= 1
        part, depth = waiting.pop()
        if part[:1] == b"/" and len(part) <= _LONGEST_MESSAGE:
            yield part
        elif part.startswith(_BUNDLE) and depth < _DEEPEST_BUNDLE:
            waiting += [(element, depth + 1) for element in reversed(_elements(part, left))]


def _elements(bundle: bytes, most: int) -> list[bytes]:
    found: list[bytes] = []
    at = _BUNDLE_HEADER
    while at + 4 <= len(bundle) and len(found) < most:
        size = int.from_bytes(bundle[at : at + 4], "big")
        at += 4
        if not 0 < size <= len(bundle) - at:
            break
        found.append(bundle[at : at + size])
        at += size
    return found


def address_of(message: bytes) -> bytes:
    """Return the bytes of a message's address, empty for one that is none: cheap, nothing else is read."""
    end = message.find(b"\0", 0, _LONGEST_ADDRESS + 1)
    return message[:end] if end > 0 else b""


def arguments_of(message: bytes) -> list[Argument]:
    """Parse a message's arguments. Raises OptionError for what cannot be read, and for types that no value has."""
    types = _type_tags(message)
    # The library would warn of each type it does not know, message by message.
    if not _TYPES.issuperset(types):
        raise OptionError(_("only numbers, true and false, texts and nil are taken"))
    if not types:
        return []
    from pythonosc.osc_message import OscMessage

    try:
        return list(OscMessage(message))
    except FAULTS:
        raise OptionError(_("the message is broken")) from None


def _type_tags(message: bytes) -> bytes:
    start = (message.find(b"\0") // 4 + 1) * 4
    if start >= len(message):
        return b""  # some senders leave the tags out where there are no arguments
    end = message.find(b"\0", start)
    if message[start : start + 1] != b"," or end < 0:
        raise OptionError(_("the message is broken"))
    return message[start + 1 : end]


def encoded(address: str, value: Value) -> bytes:
    """Return a message: true and false as the integers 1 and 0, which every desk shows; None as nil."""
    from pythonosc.osc_message_builder import OscMessageBuilder

    builder = OscMessageBuilder(address)
    if value is None:
        builder.add_arg(None, OscMessageBuilder.ARG_TYPE_NIL)
    elif isinstance(value, bool | int):
        whole = int(value)
        builder.add_arg(whole, "i" if -(2**31) <= whole < 2**31 else "h")
    elif isinstance(value, float):
        builder.add_arg(value, OscMessageBuilder.ARG_TYPE_FLOAT)
    else:
        builder.add_arg(str(value), OscMessageBuilder.ARG_TYPE_STRING)
    return builder.build().dgram
