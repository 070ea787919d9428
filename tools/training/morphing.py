"""A VAE of faces: every face becomes numbers near a normal cloud, and is drawn again from them.

Pixels alone are drawn blurred, which is the mean of all faces that the numbers could stand for; features of a VGG ask
for edges where the face has some, and a judge of patches, late in the run, for a texture that looks photographed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from realtime.core.settings import setting
from tools.networks import PictureFormat
from tools.networks.face_vae import LIGHT, FaceVae, FaceVaeLayout, widths
from tools.networks.features import vgg_of
from tools.networks.patch_discriminator import LEAST_SIDE_PX, PatchDiscriminator
from tools.training import Recipe, RunInputs, laid_out, set_up_optimizer
from tools.training.data import Batch
from tools.training.losses import content_distance

FEATURES: Mapping[str, float] = {"relu22": 1.0, "relu33": 1.0}
_STRIDE = 4
"""Pixels from one of relu33's features to the next."""
_CLIP = 1.0
_USUAL_SPREAD = 0.2
"""Errors are counted in parts of each face's own contrast, times this: a dim face weighs what a bright one does."""
_BESIDE = 0.4
"""What a pixel in the crop's corners counts, against one of the face."""


@dataclasses.dataclass(frozen=True)
class MorphSettings:
    face_px: int = dataclasses.field(default=128, metadata=setting("side of a face: 32, 64, 128 or 256", least=32))
    latent: int = dataclasses.field(
        default=200, metadata=setting(f"numbers of a face, {LIGHT} of them for its light", least=LIGHT + 2)
    )
    width: float = dataclasses.field(default=1.0, metadata=setting("channels, times the usual", least=0.05, most=4))
    pixels_weight: float = dataclasses.field(default=100.0, metadata=setting("the same colours", least=0))
    features_weight: float = dataclasses.field(
        default=0.3, metadata=setting("the same features of a VGG, where --features are given", least=0)
    )
    alike_weight: float = dataclasses.field(
        default=3000.0, metadata=setting("nothing fine that all faces have in one place, as lines", least=0)
    )
    features_share: float = dataclasses.field(
        default=0.5, metadata=setting("of a step's faces, those compared by features", least=0.01, most=1)
    )
    kl_weight: float = dataclasses.field(
        default=0.0005, metadata=setting("a nat of the Kullback-Leibler divergence from a normal cloud", least=0)
    )
    kl_rise: float = dataclasses.field(
        default=0.1, metadata=setting("part of the run over which that weight rises from 0", least=0, most=1)
    )
    free_nats: float = dataclasses.field(
        default=0.1, metadata=setting("of each number that cost nothing, so that none dies for their sake", least=0)
    )
    judge_weight: float = dataclasses.field(
        default=0.0, metadata=setting("fool a judge of patches, for sharper faces; 0: no judge", least=0)
    )
    judge_from: float = dataclasses.field(
        default=0.5, metadata=setting("part of the run after which the judge comes in", least=0, most=1)
    )
    judge_width: int = dataclasses.field(default=32, metadata=setting("channels of the judge", least=4))
    learn: Literal["all", "decoder"] = dataclasses.field(
        default="all",
        metadata=setting("decoder: the encoder stays as an earlier run left it, so that directions found stay true"),
    )


class MorphRecipe(Recipe):
    """Draws each face as it is. `pictures` of a batch are crops by the live loop's alignment."""

    Settings: ClassVar = MorphSettings
    needs_painting = False
    needs_features = False
    usual_rate = 1e-3
    picture: ClassVar[PictureFormat] = FaceVaeLayout.picture

    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: MorphSettings) -> None:
        self._fabric, self._settings, self._steps = fabric, settings, inputs.steps
        self.features = vgg_of(inputs.features, "the VAE")
        down, up = widths(settings.face_px, settings.width)
        vae = laid_out(FaceVae(down, up, settings.latent), inputs.memory_format)
        judge = laid_out(PatchDiscriminator(settings.judge_width), inputs.memory_format)
        if settings.learn == "decoder":
            vae.encoder.requires_grad_(False)
        learnt = [weight for weight in vae.parameters() if weight.requires_grad]
        drawing = Adam(learnt, inputs.learning_rate, betas=(0.9, 0.99), foreach=True)
        judging = Adam(judge.parameters(), inputs.learning_rate, betas=(0.5, 0.99), foreach=True)
        self._vae, self._judge = fabric.setup_module(vae), fabric.setup_module(judge)
        self._drawing, self._judging = set_up_optimizer(fabric, drawing), set_up_optimizer(fabric, judging)
        self._counts = _counts(settings.face_px, fabric.device)

    @property
    def vae(self) -> FaceVae:
        vae = self._vae.module
        assert isinstance(vae, FaceVae)
        return vae

    def generators(self) -> Mapping[str, nn.Module]:
        return {"": self.vae}

    def others(self) -> Mapping[str, nn.Module]:
        return {"judge": self._judge.module}

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {"drawing": self._drawing, "judging": self._judging}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        settings, faces, done = self._settings, batch.pictures, batch.step / self._steps
        size = (len(faces), settings.latent - LIGHT)
        noise = torch.randn(size, generator=batch.noise, device=faces.device)
        if settings.learn == "decoder":
            self.vae.encoder.eval()  # its norms stay, too
        drawn, mean, log_variance = self._vae(faces, noise)
        terms = {"pixels": settings.pixels_weight * self._unlike(drawn.float(), faces)}
        if settings.learn == "all":
            nats = divergence(mean, log_variance).mean(0)
            weight = settings.kl_weight * rise(done, settings.kl_rise)
            terms["divergence"] = weight * nats.clamp(min=settings.free_nats).sum()
        if settings.alike_weight:
            terms["alike"] = settings.alike_weight * _alike_in_all(drawn.float(), faces)
        if self.features is not None and settings.features_weight:
            terms["features"] = settings.features_weight * self._unlike_features(drawn, faces, batch.noise)
        judged = settings.judge_weight > 0 and done >= settings.judge_from
        if judged:
            # The judge itself, not its wrapping: gradients pass through it and leave it as it is.
            terms["fooling"] = settings.judge_weight * _verdict(self._judged(self._judge.module, drawn), 1)
        self._drawing.zero_grad()
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        self._fabric.clip_gradients(self._vae, self._drawing, max_norm=_CLIP, error_if_nonfinite=False)
        self._drawing.step()
        if judged:
            terms["judging"] = self._learn_to_judge(drawn.detach(), faces)
        return {name: term.detach() for name, term in terms.items()}

    def paint(self, pictures: Tensor) -> Tensor:
        drawn: Tensor = self.vae.decoder(self.vae.encoder(pictures))
        return drawn

    def _learn_to_judge(self, drawn: Tensor, faces: Tensor) -> Tensor:
        found = self._judged(self._judge, torch.cat([faces, drawn])).chunk(2)
        loss = (_verdict(found[0], 1) + _verdict(found[1], 0)) / 2
        self._judging.zero_grad()
        self._fabric.backward(loss)
        self._judging.step()
        return loss

    def _judged(self, judge: Any, faces: Tensor) -> Tensor:
        # At half their side, which is all that is drawn: what is finer would tell drawn faces from photographs at once.
        if faces.shape[-1] >= 2 * LEAST_SIDE_PX:
            faces = functional.avg_pool2d(faces, 2)
        with self._fabric.autocast():
            verdicts: Tensor = judge(faces * 2 - 1)
        return verdicts.float()

    def _unlike(self, drawn: Tensor, faces: Tensor) -> Tensor:
        with torch.no_grad():
            contrast = faces.std((1, 2, 3), keepdim=True).clamp(min=0.05) / _USUAL_SPREAD
        return (((drawn - faces) / contrast).square() * self._counts).mean()

    def _unlike_features(self, drawn: Tensor, faces: Tensor, noise: torch.Generator) -> Tensor:
        assert self.features is not None
        count = max(1, round(self._settings.features_share * len(faces)))
        with self._fabric.autocast():
            # Moved by chance, both alike: a VGG's steps of 4 pixels lie on the picture as a grid, and what drew the
            # same lines along it in every face was taken for detail (seen after 500 steps and after 10,000).
            moved = [int(px) for px in torch.randint(0, _STRIDE, (2,), generator=noise, device=noise.device)]
            found = self.features(drawn[:count].roll(moved, (2, 3)), FEATURES)
            with torch.no_grad():
                known = self.features(faces[:count].roll(moved, (2, 3)), FEATURES)
        return content_distance(found, known, FEATURES)


def _alike_in_all(drawn: Tensor, faces: Tensor) -> Tensor:
    """Return how far the mean of what is fine in faces as drawn is from that in the faces themselves."""
    difference = (drawn - faces).mean(0, keepdim=True)
    padded = functional.pad(difference, (4, 4, 4, 4), mode="reflect")
    return (difference - functional.avg_pool2d(padded, 9, 1)).square().mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return in nats how far each number's cloud [N, Z] is from the normal one (Kullback and Leibler)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def rise(done: float, over: float) -> float:
    """Return 0 at the begin of a run and 1 after `over` of it."""
    return min(1.0, done / over) if over else 1.0


def _verdict(verdicts: Tensor, wanted: float) -> Tensor:
    return functional.mse_loss(verdicts, torch.full_like(verdicts, wanted))


def _counts(side: int, device: torch.device) -> Tensor:
    """Return [side, side], mean 1: how much each pixel counts, the face's oval more than the corners."""
    across = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    from_middle = (across.square()[:, None] + across.square()).sqrt()
    counts = _BESIDE + (1 - _BESIDE) * torch.sigmoid((1 - from_middle) / 0.1)
    return counts / counts.mean()
