"""Six fields, seconds first: what is refused, when it fires, and how that reads."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from leftright.errors import InputError
from pipelines.commands import cron

START = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
"""A Tuesday."""


def times(text, count=3):
    return [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in islice(cron.parse(text).times(START), count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 3 * * *", ["2030-01-02 03:00:00", "2030-01-03 03:00:00", "2030-01-04 03:00:00"]),
        ("0 3 * * * *", ["2030-01-01 12:03:00", "2030-01-01 13:03:00", "2030-01-01 14:03:00"]),
        ("0 0 9 ? * 2-6", ["2030-01-02 09:00:00", "2030-01-03 09:00:00", "2030-01-04 09:00:00"]),
        ("0 0 9 * * MON,thu", ["2030-01-03 09:00:00", "2030-01-07 09:00:00", "2030-01-10 09:00:00"]),
        ("30 */20 12 * * ?", ["2030-01-01 12:00:30", "2030-01-01 12:20:30", "2030-01-01 12:40:30"]),
        ("0 50/4 12 * * *", ["2030-01-01 12:50:00", "2030-01-01 12:54:00", "2030-01-01 12:58:00"]),
        ("0 0 0-20/10 * * *", ["2030-01-01 20:00:00", "2030-01-02 00:00:00", "2030-01-02 10:00:00"]),
        ("0 0 0 29 2 *", ["2032-02-29 00:00:00"]),
        # Both day fields restricted: either is enough. A star, with a step too, makes it both.
        ("0 0 0 15 * SUN", ["2030-01-06 00:00:00", "2030-01-13 00:00:00", "2030-01-15 00:00:00"]),
        ("0 0 0 */7 * SUN", ["2030-09-01 00:00:00", "2030-09-08 00:00:00", "2030-09-15 00:00:00"]),
    ],
)
def test_the_next_times(text, expected):
    assert times(text, len(expected)) == expected


def test_the_next_time_comes_after_the_given_one_and_not_after_the_end():
    noon = cron.parse("0 0 12 * * *")
    assert list(noon.times(START, datetime(2030, 1, 3, 12, tzinfo=UTC))) == [
        datetime(2030, 1, 2, 12, tzinfo=UTC),
        datetime(2030, 1, 3, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 3 * * *", "every day at 03:00 UTC"),
        ("5 30 3,15 * * *", "every day at 03:30:05 and 15:30:05 UTC"),
        ("0 3 * * * *", "at minute 3 of every hour"),
        ("0 */20 9 * * *", "every day at minutes 0, 20 and 40 of hour 9 UTC"),
        ("* * * * * *", "every second"),
        ("0 * * * * *", "every minute"),
        ("30 * * * * *", "at second 30 of every minute"),
        ("0 0 */2 * * *", "every day at minute 0 of hours 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 22 UTC"),
        ("0 30 * * * SAT", "on Saturday at minute 30 of every hour UTC"),
        ("0 0 9 ? * MON-FRI", "on Monday to Friday at 09:00 UTC"),
        ("0 0 9 1 JAN,JUL ?", "on day 1 of the month in January and July at 09:00 UTC"),
        ("0 0 9 1 * MON", "on day 1 of the month or on Monday at 09:00 UTC"),
        ("0 0 9 */7 * MON", "on day 1, 8, 15, 22 and 29 of the month, if it is Monday, at 09:00 UTC"),
        ("0 0 9 13 * 0-6", "every day at 09:00 UTC"),
    ],
)
def test_when_it_fires_in_words(text, words):
    assert cron.describe(cron.parse(text)) == words


def test_five_fields_are_refused_with_the_right_form():
    with pytest.raises(InputError, match=r"has five fields.*write `0 0 3 \* \* \*`"):
        cron.parse("0 3 * * *")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has 0 fields"),
        ("0 0 0 3 * * *", "has 7 fields"),
        ("@daily", "has 1 fields"),
        ("60 0 3 * * *", "seconds `60`: 60 is not within 0 to 59"),
        ("0 0 24 * * *", "hours `24`"),
        ("0 0 3 0 * *", "day of month `0`"),
        ("0 0 3 * 13 *", "month `13`"),
        ("0 0 3 * * 7", "day of week `7`: 7 is not within 0 to 6"),
        ("0 0 3 * * Mond", "'Mond' is no number and no name such as Mon"),
        ("0 0 three * * *", "'three' is no number"),
        ("0 0 -3 * * *", "'' is no number"),
        ("0 0 5-3 * * *", "5-3 runs backwards"),
        ("0 */0 3 * * *", "'0' after the slash is no step"),
        ("0 0,,1 3 * * *", "'' is no number"),
        ("0 0 3 31 2,4 *", "never fires"),
    ],
)
def test_a_bad_cron_is_named(text, complaint):
    with pytest.raises(InputError) as refused:
        cron.parse(text)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
