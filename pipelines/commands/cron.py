"""The six-field cron of Kubeflow's schedules: seconds, minutes, hours, day of month, month, day of week.

It follows the parser that Kubeflow's scheduler uses (robfig/cron 1.2): Sunday is 0 and there is no 7, `a/n` runs from `a` to
the field's end, and where both day fields are restricted either of them is enough. That parser also takes five fields, and
reads them as seconds first: `0 3 * * *` would fire at minute 3 of every hour. Five fields are refused here.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from leftright.errors import InputError

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July",
          "August", "September", "October", "November", "December")  # fmt: skip
HORIZON_DAYS = 366 * 5
"""How far to look for the next time; Kubeflow's scheduler gives up after five years too."""


@dataclass(frozen=True)
class Field:
    """One field's name, its first and last value, and the names that stand for values from the first on."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """The value that `text` spells. Raises ValueError, which says why not."""
        short = [name[:3].lower() for name in self.names]
        if text.lower() in short:
            return self.first + short.index(text.lower())
        if not (text.isascii() and text.isdigit()):
            raise ValueError(
                f"{text!r} is no number" + (f" and no name such as {self.names[1][:3]}" if self.names else "")
            )
        if not self.first <= int(text) <= self.last:
            raise ValueError(f"{text} is not within {self.first} to {self.last}")
        return int(text)


FIELDS = (
    Field("seconds", 0, 59),
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 6, DAYS),
)


@dataclass(frozen=True)
class Values:
    """The values at which one field fires, in order; `star` where it was written with `*` or `?`."""

    values: tuple[int, ...]
    star: bool
    every: bool


@dataclass(frozen=True)
class Cron:
    """A checked cron expression."""

    text: str
    seconds: Values
    minutes: Values
    hours: Values
    days: Values
    months: Values
    weekdays: Values

    def matches_day(self, day: date) -> bool:
        """Whether it fires on `day`."""
        if day.month not in self.months.values:
            return False
        by_date = day.day in self.days.values
        by_weekday = day.isoweekday() % 7 in self.weekdays.values
        return (by_date and by_weekday) if self.days.star or self.weekdays.star else (by_date or by_weekday)

    def times(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The times in UTC at which it fires after `after`, to `until` inclusive, in order."""
        clock = [time(*hms) for hms in itertools.product(self.hours.values, self.minutes.values, self.seconds.values)]
        for offset in range(HORIZON_DAYS):
            day = after.date() + timedelta(days=offset)
            if until and day > until.date():
                return
            if not self.matches_day(day):
                continue
            for moment in (datetime.combine(day, hms, UTC) for hms in clock):
                if until and moment > until:
                    return
                if moment > after:
                    yield moment


def parse(text: str) -> Cron:
    """`text` as a Cron. Raises InputError, in one line, for anything but six good fields that come to pass."""
    words = text.split()
    if len(words) == 5:
        raise InputError(
            f"cron `{text}` has five fields, and a schedule has six, seconds first: for the usual meaning write"
            f" `0 {' '.join(words)}` (Kubeflow would take the five, and fire at other times)"
        )
    if len(words) != 6:
        raise InputError(
            f"cron `{text}` has {len(words)} fields, and a schedule has six: seconds, minutes, hours, day of month, month,"
            " day of week, such as `0 0 3 * * *` for every day at 03:00 UTC"
        )
    cron = Cron(text, *(_values(word, field, text) for word, field in zip(words, FIELDS, strict=True)))
    if next(cron.times(datetime.now(UTC)), None) is None:
        raise InputError(f"cron `{text}` never fires: no month of it has that day")
    return cron


def _values(word: str, field: Field, text: str) -> Values:
    found: set[int] = set()
    star = False
    for part in word.split(","):
        try:
            values, is_star = _part(part, field)
        except ValueError as error:
            raise InputError(f"cron `{text}`, {field.name} `{word}`: {error}") from None
        found.update(values)
        star = star or is_star
    return Values(tuple(sorted(found)), star, len(found) == field.last - field.first + 1)


def _part(part: str, field: Field) -> tuple[range, bool]:
    """The values of one part between commas (`*`, `3`, `1-5`, `*/10`, `2/4`, `0-30/10`), and whether it is a star."""
    span, slash, step_text = part.partition("/")
    if slash and not (step_text.isascii() and step_text.isdigit() and int(step_text) > 0):
        raise ValueError(f"{step_text!r} after the slash is no step; write such as */10")
    step = int(step_text) if slash else 1
    if span in ("*", "?"):
        return range(field.first, field.last + 1, step), True
    low_text, dash, high_text = span.partition("-")
    low = field.number(low_text)
    high = field.number(high_text) if dash else field.last if slash else low
    if low > high:
        raise ValueError(f"{span} runs backwards; write two ranges with a comma between them")
    return range(low, high + 1, step), False


def describe(cron: Cron) -> str:
    """When it fires, in words: "every day at 03:00 UTC"."""
    days, clock = _days_in_words(cron), _clock_in_words(cron)
    if days == "every day" and cron.hours.every:
        return clock
    return f"{days} {clock} UTC"


def _clock_in_words(cron: Cron) -> str:
    seconds, minutes, hours = cron.seconds.values, cron.minutes.values, cron.hours.values
    if len(seconds) == len(minutes) == 1 and len(hours) <= 6:
        tail = f":{seconds[0]:02d}" if seconds[0] else ""
        return "at " + _listed([f"{hour:02d}:{minutes[0]:02d}{tail}" for hour in hours])
    units = [("second", cron.seconds), ("minute", cron.minutes), ("hour", cron.hours)]
    if seconds == (0,):
        del units[0]
    while len(units) > 1 and units[-1][1].every and units[-2][1].every:
        del units[-1]  # "every second of every minute" says no more than "every second"
    words = " of ".join(_counted(unit, field) for unit, field in units)
    return words if words.startswith("every") else f"at {words}"


def _counted(unit: str, field: Values) -> str:
    if field.every:
        return f"every {unit}"
    name = unit if len(field.values) == 1 else f"{unit}s"
    return f"{name} {_runs([str(value) for value in field.values], field.values)}"


def _days_in_words(cron: Cron) -> str:
    by_date = "" if cron.days.every else f"on day {_runs([str(day) for day in cron.days.values], cron.days.values)}"
    by_date += " of the month" if by_date else ""
    by_weekday = ""
    if not cron.weekdays.every:
        by_weekday = f"on {_runs([DAYS[day] for day in cron.weekdays.values], cron.weekdays.values)}"
    # A field that names all of its values without a star (such as 0-6) makes "either of the two" every day.
    either = not (cron.days.star or cron.weekdays.star)
    if either:
        days = f"{by_date} or {by_weekday}" if by_date and by_weekday else "every day"
    elif by_date and by_weekday:
        days = f"{by_date}, if it is {by_weekday.removeprefix('on ')},"
    else:
        days = by_date or by_weekday or "every day"
    if cron.months.every:
        return days
    names = _runs([MONTHS[month - 1] for month in cron.months.values], cron.months.values)
    return f"{days} in {names}"


def _runs(names: list[str], values: tuple[int, ...]) -> str:
    """The names with three or more neighbours in a row drawn together: "1 to 5 and 9"."""
    parts: list[str] = []
    for _, group in itertools.groupby(enumerate(values), lambda pair: pair[1] - pair[0]):
        run = [names[position] for position, _ in group]
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else run
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
