"""HDR films (HLG and PQ in BT.2020) made to look as they were meant on screens and in films of the usual range.

By one table from colour to colour, which FFmpeg's haldclut looks up in. It holds what
`zscale=t=linear:npl=100,zscale=p=bt709,tonemap=mobius,zscale=t=bt709` computes: light in units of 100 cd/m²; what is
darker than a third of that stays, what is brighter is bent towards the peak, all of a pixel's colours by one factor.
Those filters need a library that PyAV's FFmpeg is built without.
"""

from __future__ import annotations

import functools
import math

import av
import av.filter
import numpy as np
from av.filter.context import FilterContext
from numpy.typing import NDArray

_FORMAT = "gbrp16le"  # packed RGB of 16 bits takes three times as long: 7.3 against 2.5 ms for 640×360
_LEVEL = 8  # FFmpeg's word for a table of 64 × 64 × 64 colours, kept as a picture of 512 × 512
_PQ, _HLG = 16, 18  # transfer characteristics of H.273
_REFERENCE_CD_PER_M2 = 100.0
_PEAKS_CD_PER_M2 = {_HLG: 1_000.0, _PQ: 10_000.0}
_KNEE = 0.3  # of the reference: skin lies about there, and keeps its light
_GREY_ABOVE = 2.0  # of the reference: brighter colours fade towards grey, as on film
_BT2020_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)
_BT709_LUMA = np.array([0.2126, 0.7152, 0.0722])
_SCREEN_GAMMA = 2.4  # BT.1886


def is_hdr(transfer: int) -> bool:
    """Tell whether a frame's transfer characteristic is one of the two of HDR."""
    return transfer in _PEAKS_CD_PER_M2


def add_lookup(graph: av.filter.Graph, before: FilterContext) -> tuple[FilterContext, FilterContext]:
    """Put a look-up behind a node of a graph. Returns the node that does it, and the one to `feed` with the table once
    the graph is configured.
    """
    return _add_lookup(graph, before, _LEVEL)


def feed(source: FilterContext, transfer: int) -> None:
    """Hand the table to a configured graph."""
    _feed(source, table(transfer), _plane_order())


@functools.lru_cache(maxsize=2)
def table(transfer: int) -> NDArray[np.uint16]:
    """Return the table: (64, 64, 64, 3), by blue, green and red of the film; values in the order red, green, blue."""
    signal = np.linspace(0.0, 1.0, _LEVEL**2)
    light = _light(signal, transfer) / _REFERENCE_CD_PER_M2
    blue, green, red = np.meshgrid(light, light, light, indexing="ij")
    colours = np.stack([red, green, blue], axis=-1) @ _BT2020_TO_BT709.T
    luma = (colours @ _BT709_LUMA)[..., np.newaxis]
    greyed = np.maximum(luma - _GREY_ABOVE, 0.0) / np.maximum(luma, _GREY_ABOVE)
    colours += (luma - colours) * greyed
    brightest = np.maximum(colours.max(axis=-1, keepdims=True), 1e-6)
    colours *= _bent(brightest, _PEAKS_CD_PER_M2[transfer] / _REFERENCE_CD_PER_M2) / brightest
    return np.asarray(np.rint(np.clip(colours, 0.0, 1.0) ** (1 / _SCREEN_GAMMA) * 65_535), np.uint16)


def _light(signal: NDArray[np.float64], transfer: int) -> NDArray[np.float64]:
    """Return cd/m² on a screen for a signal 0..1 (BT.2100; HLG's system gamma of 1.2 on each colour by itself)."""
    if transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        return np.asarray(1_000.0 * scene**1.2)
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    return np.asarray(10_000.0 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1))


def _bent(light: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """Return light in 0..1: straight up to the knee, a Möbius transformation from there on that takes `peak` to 1."""
    a = -(_KNEE**2) * (peak - 1) / (_KNEE**2 - 2 * _KNEE + peak)
    b = (_KNEE**2 - 2 * _KNEE * peak + peak) / (peak - 1)
    above = (b**2 + 2 * b * _KNEE + _KNEE**2) / (b - a) * (light + a) / (light + b)
    return np.where(light <= _KNEE, light, above)


def _add_lookup(graph: av.filter.Graph, before: FilterContext, level: int) -> tuple[FilterContext, FilterContext]:
    side = level**3
    source = graph.add("buffer", video_size=f"{side}x{side}", pix_fmt=_FORMAT, time_base="1/1000", range="2")
    converted, node = graph.add("format", f"pix_fmts={_FORMAT}"), graph.add("haldclut", "clut=first")
    before.link_to(converted)
    converted.link_to(node, 0, 0)
    source.link_to(node, 0, 1)
    return node, source


def _feed(source: FilterContext, colours: NDArray[np.uint16], order: tuple[int, ...]) -> None:
    side = math.isqrt(colours[..., 0].size)
    picture = av.VideoFrame.from_ndarray(colours[..., order].reshape(side, side, 3), _FORMAT)
    picture.pts = 0
    source.push(picture)
    source.push(None)


@functools.cache
def _plane_order() -> tuple[int, ...]:
    """Return in which order red, green and blue of the table must be told as red, green and blue.

    Planes lie in the order green, blue, red; yet FFmpeg 8.1 takes those of a table, unlike those of a film, for red,
    green and blue, one after the other. Which it is here is seen on one pixel.
    """
    for order in ((0, 1, 2), (2, 0, 1)):
        graph = av.filter.Graph()
        pixel = graph.add("buffer", video_size="1x1", pix_fmt=_FORMAT, time_base="1/1000", range="2")
        node, source = _add_lookup(graph, pixel, 2)
        sink = graph.add("buffersink")
        graph.link_nodes(node, graph.add("format", "pix_fmts=rgb24"), sink)
        graph.configure()
        steps = np.linspace(0, 65_535, 4).astype(np.uint16)
        same = np.stack(np.meshgrid(steps, steps, steps, indexing="ij")[::-1], axis=-1)  # every colour gives itself
        _feed(source, same, order)
        green_only = av.VideoFrame.from_ndarray(np.array([[[0, 65_535, 0]]], np.uint16), _FORMAT)
        green_only.pts = 0
        pixel.push(green_only)
        made = sink.pull()
        if isinstance(made, av.VideoFrame) and made.to_ndarray()[0, 0].tolist() == [0, 255, 0]:
            return order
    raise AssertionError("FFmpeg's haldclut takes its table's planes in an order that is not known")
