"""The stopwatch of the benchmarks."""

import statistics
import time


def milliseconds(task, repeats=200):
    """Median time of a call, after some that are not counted."""
    for _ in range(3):
        task()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        task()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)
