"""Numbers as they are printed: a true minus, no signed zero, and words where there is no number."""

from leftright.reporting import numbers
from leftright.results import Value


def test_decimals_are_fixed_and_the_minus_is_a_minus() -> None:
    assert numbers.decimal(0.7092) == "0.709"
    assert numbers.decimal(-0.0406) == "−0.041"
    assert numbers.decimal(12.5, 1) == "12.5"


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert numbers.decimal(-0.0004) == "0.000"


def test_no_number_is_said_in_words() -> None:
    assert numbers.decimal(None) == "unknown"
    assert numbers.measured(None) == "not run"
    assert numbers.measured(Value(None, n=12)) == "unknown"


def test_an_interval_needs_both_ends() -> None:
    assert numbers.interval(Value(0.5, 0.4, 0.61, 30)) == "[0.400, 0.610]"
    assert numbers.interval(Value(0.5, n=1)) == ""
    assert numbers.interval(None) == ""


def test_counts_are_grouped_and_nouns_agree() -> None:
    assert numbers.of(480, 12640) == "480 of 12,640"
    assert numbers.plural(1, "clip") == "1 clip"
    assert numbers.plural(1200, "clip") == "1,200 clips"
    assert numbers.percent(0.0372) == "3.7 %"


def test_a_difference_has_a_sign_unless_it_rounds_to_zero() -> None:
    assert (numbers.signed(0.04), numbers.signed(-0.04), numbers.signed(0.0004)) == ("+0.040", "−0.040", "0.000")
    assert (numbers.signed(0.0), numbers.signed(None)) == ("0.000", "unknown")


def test_a_small_p_is_bounded_and_not_zero() -> None:
    assert [numbers.probability(p) for p in (0.0312, 0.0004, 1.0, None)] == ["0.031", "< 0.001", "1.000", "unknown"]
