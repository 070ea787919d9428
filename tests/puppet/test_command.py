"""The command that learns rest anew, on its way from a key to the effects."""

from __future__ import annotations

from realtime.control.commands import LearnRest, named_command
from realtime.core.stats import RunStats
from realtime.effects.plain import Plain
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot


class Asked(Plain):
    """An effect that compares faces with their rest."""

    asked = 0

    def learn_rest(self) -> bool:
        self.asked += 1
        return True


def test_every_effect_is_asked_and_it_is_told_whether_one_learns() -> None:
    learns = Asked()
    chain = EffectChain([EffectSlot("none", Plain()), EffectSlot("asked", learns)], RunStats())
    assert chain.learn_rest()
    assert learns.asked == 1
    assert not EffectChain([EffectSlot("none", Plain())], RunStats()).learn_rest()


def test_it_is_asked_for_by_name() -> None:
    assert named_command("learn-rest").command() == LearnRest()
