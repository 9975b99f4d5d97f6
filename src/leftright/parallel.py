"""Work spread over processes: a stage decodes and draws on every core, and each process needs one thread only.

Processes come from a fork server, since a fork of the stage itself would inherit locks that the threads of Arrow or of a
tracking client hold; the server imports the work's module once for all of them. They end with the process that started them,
however it ended: a killed stage leaves nobody behind who still writes to its directory.
"""

import functools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def process_map(
    function: Callable[[Item], Result], items: Sequence[Item], num_workers: int, *, preload: Sequence[str] = ()
) -> Iterator[Result]:
    """Yield `function(item)` of each item, in the items' order, computed by up to `num_workers` processes.

    function, items, results : must pickle. One worker is the calling process itself. An exception in any call ends the
    iteration with it, and what was not yet begun is not done. preload : modules that `function` imports late and that are
        dear to import, beside its own.
    """
    num_workers = min(num_workers, len(items))
    if num_workers <= 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_module_of(function), *preload])
    with ProcessPoolExecutor(num_workers, mp_context=context, initializer=_end_with_parent) as executor:
        futures = [executor.submit(function, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        finally:
            executor.shutdown(cancel_futures=True)


def _module_of(function: Callable[..., object]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return function.__module__


def _end_with_parent() -> None:
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
