"""C2PA: a signature over a picture or film and what it tells of its making, so that neither can be changed unnoticed.

The signing itself is c2pa-python's, the library of those who write the standard; it is asked for with `--sign` and
imported only then. Nothing is fetched or sent: no time stamp of an authority, no certificate looked up.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import re
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from realtime import __version__
from realtime.core.errors import OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.imaging.png import SIGNATURE, chunk
from realtime.imaging.provenance import SYNTHETIC, Provenance

log = logging.getLogger(__name__)

SIGNED_FILMS = frozenset({".mp4", ".mov"})
"""What the standard knows of the kinds we write; Matroska it does not."""

_FORMATS = {".png": "image/png", ".mp4": "video/mp4", ".mov": "video/quicktime"}
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s*", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN (?:\w+ )?PRIVATE KEY-----.+?-----END (?:\w+ )?PRIVATE KEY-----\s*", re.DOTALL)
_ELLIPTIC = {256: "es256", 384: "es384", 521: "es512"}
# No thumbnail: of a 720p PNG it would take half a second and as many bytes as the picture. No check of what has just
# been signed: that is the business of whoever receives it.
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False}}


class Signer:
    """Signs in somebody's name. Any thread, one at a time."""

    def __init__(self, pem: Path) -> None:
        """`pem`: the certificate, those that vouch for it, and its private key, one after the other in one file.

        Raises OutputError where it cannot be used; that is tried at once, and not after an evening's recording.
        """
        self._is_told = False
        try:
            self._c2pa: Any = importlib.import_module("c2pa")
        except ImportError as error:
            raise OutputError(_("--sign needs one more package; install it with: pip install c2pa-python")) from error
        try:
            text = pem.read_bytes()
        except OSError as error:
            raise OutputError(
                _("--sign: cannot read {pem}: {reason}; check the path", pem=pem, reason=error.strerror)
            ) from error
        certificates, key = b"".join(_CERTIFICATE.findall(text)), _KEY.search(text)
        if not certificates or key is None:
            what = "certificate" if not certificates else "private key (without a password)"
            raise OutputError(
                _("--sign: {pem} holds no {what}; put certificate and key, as PEM, into one file", pem=pem, what=what)
            )
        algorithm, key_pem = _understood(pem, key[0])
        try:
            info = self._c2pa.C2paSignerInfo(
                alg=algorithm.encode(), sign_cert=certificates, private_key=key_pem, ta_url=None
            )
            self._signer = self._c2pa.Signer.from_info(info)
            self._context = self._c2pa.Context(settings=self._c2pa.Settings.from_dict(_SETTINGS))
            self._sign(Provenance(("none",), SYNTHETIC), "image/png", io.BytesIO(_smallest_png()), io.BytesIO())
        except self._c2pa.C2paError as error:
            raise OutputError(
                _(
                    "--sign: {pem} cannot sign: {reason}; C2PA asks for a certificate of its own",
                    pem=pem,
                    reason=_line(error),
                )
            ) from (error)

    def signed_png(self, png: bytes | memoryview, provenance: Provenance) -> bytes:
        """Return a PNG with the signature in it. Raises OutputError."""
        out = io.BytesIO()
        try:
            self._sign(provenance, "image/png", io.BytesIO(png), out)
        except self._c2pa.C2paError as error:
            raise OutputError(
                _("the picture cannot be signed: {reason}; leave out --sign", reason=_line(error))
            ) from error
        return out.getvalue()

    def sign_film(self, path: Path, provenance: Provenance) -> None:
        """Put the signature into a finished file, which is replaced when that is done. Raises OutputError."""
        try:
            with path.open("rb") as film, atomic_write(path) as unfinished, unfinished.open("w+b") as out:
                self._sign(provenance, _FORMATS[path.suffix.lower()], film, out)
        except self._c2pa.C2paError as error:
            raise OutputError(
                _("{path} cannot be signed: {reason}; it is kept without a signature", path=path, reason=_line(error))
            ) from error

    def _sign(self, provenance: Provenance, kind: str, source: BinaryIO, out: BinaryIO) -> None:
        if not provenance.source_type:  # the standard wants to know where pictures come from: we could only guess
            self._tell_once()
            out.write(source.read())
            return
        program = {"name": "realtime", "version": __version__}
        action = {
            "action": "c2pa.created",
            "digitalSourceType": provenance.source_type,
            "softwareAgent": program,
            "description": f"effect {provenance.title}",
        }
        manifest = {
            "claim_generator_info": [program],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
        }
        with self._c2pa.Builder(json.dumps(manifest), context=self._context) as builder:
            builder.sign(self._signer, kind, source, out)

    def _tell_once(self) -> None:
        if not self._is_told:
            self._is_told = True
            log.warning(_("--sign: what no effect has altered is not signed: where it comes from we cannot vouch for"))


def _understood(pem: Path, key_text: bytes) -> tuple[str, bytes]:
    """Return C2PA's name for what a key signs with, and the key in the one form that the library reads."""
    # cryptography comes with c2pa-python.
    primitives = "cryptography.hazmat.primitives"
    keys: Any = importlib.import_module(f"{primitives}.serialization")
    ec, rsa, ed25519 = (importlib.import_module(f"{primitives}.asymmetric.{one}") for one in ("ec", "rsa", "ed25519"))
    try:
        key = keys.load_pem_private_key(key_text, password=None)
    except (ValueError, TypeError) as error:
        raise OutputError(
            _("--sign: the key in {pem} cannot be read; give it as PEM, without a password", pem=pem)
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm = "ed25519"
    elif isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size in _ELLIPTIC:
        algorithm = _ELLIPTIC[key.key_size]
    elif isinstance(key, rsa.RSAPrivateKey):
        algorithm = "ps256"
    else:
        raise OutputError(
            _("--sign: C2PA knows no keys such as the one in {pem}; take ES256, PS256 or Ed25519", pem=pem)
        )
    plain = key.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.PKCS8, keys.NoEncryption())
    return algorithm, bytes(plain)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".;") or type(error).__name__


def _smallest_png() -> bytes:
    """A grey pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")
