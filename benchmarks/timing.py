"""Two ways of doing a thing, timed against one another in one process: machines are shared, and a ratio lasts."""

import statistics
import time
from collections.abc import Callable


def in_turns(num_steps: int, *actions: Callable[[], object]) -> list[float]:
    """The median seconds of each action, timed one after the other in turns, after one untimed turn."""
    taken: list[list[float]] = [[] for _ in actions]
    for turn in range(num_steps + 1):
        for times, action in zip(taken, actions, strict=True):
            start = time.perf_counter()
            action()
            if turn:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in taken]


def report(name: str, seconds: float, opposite: str, opposite_s: float) -> None:
    print(f"{name} {seconds * 1e3:.1f} ms, {opposite} {opposite_s * 1e3:.1f} ms: ratio {opposite_s / seconds:.2f}")
