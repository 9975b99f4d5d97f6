"""Numbers as the report prints them: the same decimals everywhere, a true minus, and words where there is no number."""

from leftright.results import Value

UNKNOWN = "unknown"  # a published number that we do not hold, or a measured one that came out undefined
NOT_RUN = "not run"  # a number whose stage has not been run


def decimal(number: float | None, places: int = 3) -> str:
    """`0.7092` -> "0.709", `-0.04` -> "−0.040"; None -> "unknown"."""
    if number is None:
        return UNKNOWN
    text = f"{number:.{places}f}"
    # A number that rounds to zero has no sign.
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def signed(number: float | None, places: int = 3) -> str:
    """A difference with its sign: `0.04` -> "+0.040", `-0.04` -> "−0.040", `0.0` -> "0.000"; None -> "unknown"."""
    text = decimal(number, places)
    return f"+{text}" if number is not None and number > 0 and float(text) > 0 else text


def probability(p: float | None) -> str:
    """A test's p: `0.0312` -> "0.031", `0.0004` -> "< 0.001"; None -> "unknown"."""
    return "< 0.001" if p is not None and p < 0.001 else decimal(p)


def count(number: int) -> str:
    """`12345` -> "12,345"."""
    return f"{number:,}"


def percent(share: float, places: int = 1) -> str:
    """`0.931` -> "93.1 %"."""
    return f"{decimal(100 * share, places)} %"


def of(part: int, whole: int) -> str:
    """`480, 640` -> "480 of 640"."""
    return f"{count(part)} of {count(whole)}"


def plural(number: int, noun: str) -> str:
    """`1, "clip"` -> "1 clip"; `2, "clip"` -> "2 clips"."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def interval(value: Value | None, places: int = 3) -> str:
    """The 95 % interval as "[0.683, 0.737]"; empty where there is none."""
    if value is None or value.low is None or value.high is None:
        return ""
    return f"[{decimal(value.low, places)}, {decimal(value.high, places)}]"


def measured(value: Value | None, places: int = 3) -> str:
    """A measured number; "not run" where its stage wrote none, "unknown" where it came out undefined."""
    return NOT_RUN if value is None else decimal(value.value, places)


def number_of(value: Value | None) -> str:
    """The N of a measured number; empty where it has none."""
    return "" if value is None or value.n is None else count(value.n)
