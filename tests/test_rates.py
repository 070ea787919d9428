from __future__ import annotations

from fractions import Fraction

import pytest

from realtime.core.errors import OptionError
from realtime.core.frame_rates import exact_rate, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("29.97", Fraction(30000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("24", Fraction(24)),
        ("12.5", Fraction(25, 2)),
        ("29.9", Fraction(299, 10)),
    ],
)
def test_rates_as_people_write_them(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == float(rate)
    assert exact_rate(float(f"{float(rate):.6g}")) == float(rate), "as a picture tells it"


@pytest.mark.parametrize("text", ["0", "241", "nan", "inf", "-25", "25 fps", "1/0", ""])
def test_what_is_no_rate_is_told_in_one_line(text: str) -> None:
    with pytest.raises(OptionError, match="give a number from 1 to 240, such as 25 or 30000/1001"):
        parse_rate(text)
