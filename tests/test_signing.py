"""Signatures, made and checked by c2pa-python, the library of those who write the standard."""

from __future__ import annotations

import datetime
import importlib
import io
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from realtime import effects
from realtime.__main__ import main
from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.core.registry import RegistryEntry
from realtime.disclosure.c2pa import Signer
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import ALTERED, SYNTHETIC, Provenance, stated_by
from realtime.outputs import OutputRequest
from realtime.outputs.picture_folder import PictureFolder
from realtime.outputs.recorder import Recorder
from realtime.session.snapshots import Snapshots
from tests.doubles import KeepingOutput
from tests.test_recorder import picture
from tests.videos import write_video

SWAP = Provenance(("swap:face.jpg",), SYNTHETIC)


def test_without_the_package_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(OutputError, match="pip install c2pa-python"):
        Signer(tmp_path / "id.pem")


@pytest.fixture(scope="module")
def c2pa() -> Any:
    return pytest.importorskip("c2pa", reason="c2pa-python is not installed; signing is optional")


@pytest.fixture(scope="module")
def identity(c2pa: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and key as a studio would have them, but vouched for by nobody."""
    return write_identity(tmp_path_factory.mktemp("identity") / "id.pem")


def write_identity(path: Path, key: Callable[[Any, Any], Any] | None = None, *, password: bool = False) -> Path:
    x509 = importlib.import_module("cryptography.x509")
    hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
    keys = importlib.import_module("cryptography.hazmat.primitives.serialization")
    ec = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ec")
    rsa = importlib.import_module("cryptography.hazmat.primitives.asymmetric.rsa")

    def named(name: str) -> Any:
        oid = x509.oid.NameOID
        return x509.Name([x509.NameAttribute(oid.COMMON_NAME, name), x509.NameAttribute(oid.ORGANIZATION_NAME, name)])

    root_key = ec.generate_private_key(ec.SECP256R1())
    own_key = key(ec, rsa) if key else ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject: str, public_key: Any, *, is_root: bool) -> Any:
        usage = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("root"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=9))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not is_root:
            purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purpose, critical=False)
        return builder.sign(root_key, hashes.SHA256())

    chain = [
        certificate("studio", own_key.public_key(), is_root=False),
        certificate("root", root_key.public_key(), is_root=True),
    ]
    lock = keys.BestAvailableEncryption(b"secret") if password else keys.NoEncryption()
    key_text = own_key.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.PKCS8, lock)
    path.write_bytes(b"".join(one.public_bytes(keys.Encoding.PEM) for one in chain) + key_text)
    return path


def claim_of(c2pa: Any, path: Path, kind: str) -> dict[str, Any]:
    """Return the first action a file claims, its signature having been checked over every byte."""
    with path.open("rb") as file, c2pa.Reader(kind, file) as reader:
        assert reader.get_validation_state() == "Valid"
        told = json.loads(reader.json())
        assert {status["code"] for status in told["validation_status"]} == {"signingCredential.untrusted"}
        manifest = told["manifests"][told["active_manifest"]]
    (assertion,) = [one for one in manifest["assertions"] if one["label"].startswith("c2pa.actions")]
    action: dict[str, Any] = assertion["data"]["actions"][0]
    return action


@pytest.mark.parametrize("kind", [".mp4", ".mov"])
def test_a_recording_is_signed_when_it_is_finished(c2pa: Any, identity: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{kind}"
    output = Recorder(str(path), OutputRequest(ControlChannel(), signer=Signer(identity)))
    for number in range(20):
        made = Provenance(("none",)) if number < 10 else SWAP
        output.show(Frame(picture(number), 0.0, number / 30, number, provenance=made))
    output.close()
    action = claim_of(c2pa, path, {".mp4": "video/mp4", ".mov": "video/quicktime"}[kind])
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == SYNTHETIC
    assert action["description"] == "effect none + swap:face.jpg"
    with av.open(path) as film:
        assert sum(1 for _ in film.decode(video=0)) == 20
    assert stated_by(path) == SYNTHETIC, "the other metadata are still there"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_changed_picture_no_longer_passes(c2pa: Any, identity: Path, tmp_path: Path) -> None:
    output = PictureFolder(f"{tmp_path}/frames/", OutputRequest(ControlChannel(), signer=Signer(identity)))
    for number, made in enumerate((SWAP, Provenance(("style:night",), ALTERED))):
        output.show(Frame(picture(number), 0.0, 0.0, number, provenance=made))
    output.close()
    first, second = sorted((tmp_path / "frames").iterdir())
    assert claim_of(c2pa, first, "image/png")["digitalSourceType"] == SYNTHETIC
    assert claim_of(c2pa, second, "image/png")["digitalSourceType"] == ALTERED
    data = bytearray(first.read_bytes())
    data[-200] ^= 1  # in the pixels
    with c2pa.Reader("image/png", io.BytesIO(bytes(data))) as reader:
        assert reader.get_validation_state() == "Invalid"


def test_snapshots_are_signed(c2pa: Any, identity: Path, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, lambda path: KeepingOutput(), lambda text: None, Signer(identity))
    snapshots.save_picture(Frame(picture(1), 0.0, 0.0, 0, provenance=SWAP))
    snapshots.close()
    (path,) = tmp_path.glob("*.png")
    assert claim_of(c2pa, path, "image/png")["description"] == "effect swap:face.jpg"


def test_what_is_rendered_is_signed_after_the_sound(
    c2pa: Any, identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(effects.EFFECTS, "swapped", RegistryEntry("tests.synthetic", "Swapped", "for tests"))
    write_video(Path("clip.mp4"), 5)
    with av.open("voice.wav", "w") as out:
        voice = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        out.mux(voice.encode(sound))
        out.mux(voice.encode(None))
    words = ["--effect", "swapped", "--sign", str(identity)]
    assert main(["render", "clip.mp4", "out.mp4", "--sound", "voice.wav", *words]) == 0
    assert claim_of(c2pa, Path("out.mp4"), "video/mp4")["digitalSourceType"] == SYNTHETIC
    with av.open("out.mp4") as film:
        assert film.streams.audio
        assert sum(1 for _ in film.decode(video=0)) == 5
    assert main(["render", "clip.mp4", "frames", *words]) == 0
    assert claim_of(c2pa, Path("frames/000004.png"), "image/png")["digitalSourceType"] == SYNTHETIC
    assert main(["render", "clip.mp4", "out.mkv", *words]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "frames", "out.mp4", "voice.wav"]


def test_what_nobody_altered_is_left_unsigned_and_it_is_said(
    c2pa: Any, identity: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = PictureFolder(f"{tmp_path}/frames/", OutputRequest(ControlChannel(), signer=Signer(identity)))
    with caplog.at_level(logging.WARNING, "realtime"):
        for number in range(3):
            output.show(Frame(picture(number), 0.0, 0.0, number, provenance=Provenance(("none",))))
    output.close()
    assert b"c2pa" not in (tmp_path / "frames" / "000000.png").read_bytes()
    assert len(caplog.messages) == 1
    assert "what no effect has altered is not signed" in caplog.messages[0]


@pytest.mark.parametrize(
    "key",
    [
        lambda ec, rsa: ec.generate_private_key(ec.SECP384R1()),
        lambda ec, rsa: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
)
def test_keys_of_other_kinds(c2pa: Any, tmp_path: Path, key: Callable[[Any, Any], Any]) -> None:
    signer = Signer(write_identity(tmp_path / "id.pem", key))
    output = PictureFolder(f"{tmp_path}/frames/", OutputRequest(ControlChannel(), signer=signer))
    output.show(Frame(picture(0), 0.0, 0.0, 0, provenance=SWAP))
    output.close()
    assert claim_of(c2pa, tmp_path / "frames" / "000000.png", "image/png")["digitalSourceType"] == SYNTHETIC


def test_an_identity_that_cannot_sign_is_told_at_once_in_one_line(c2pa: Any, identity: Path, tmp_path: Path) -> None:
    whole = identity.read_bytes()
    begin = whole.index(b"-----BEGIN PRIVATE KEY")
    studio, root = (
        part + b"-----END CERTIFICATE-----\n" for part in whole[:begin].split(b"-----END CERTIFICATE-----\n")[:2]
    )
    path = tmp_path / "bad.pem"
    cases = [
        (b"Dear Sir or Madam", "holds no certificate"),
        (studio, "holds no private key"),
        (
            studio + b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n",
            "the key in .* cannot be read",
        ),
        (root + whole[begin:], "cannot sign: "),
        (write_identity(path, password=True).read_bytes(), "the key in .* cannot be read; .*without a password"),
        (write_identity(path, lambda ec, rsa: ec.generate_private_key(ec.SECP192R1())).read_bytes(), "knows no keys"),
    ]
    for content, message in cases:
        path.write_bytes(content)
        with pytest.raises(OutputError, match=message) as caught:
            Signer(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match=r"cannot read .*missing\.pem"):
        Signer(tmp_path / "missing.pem")
    with pytest.raises(OutputError, match=r"cannot be signed: C2PA knows \.mov and \.mp4 only"):
        Recorder(str(tmp_path / "out.mkv"), OutputRequest(ControlChannel(), signer=Signer(identity)))
