"""What the package does on a GPU, in one command of less than five minutes.

Run from anywhere; the table is printed, and written as ``gpu.json`` and ``gpu.md``::

    python examples/benchmarks/gpu.py --out gpu

Its parts: the tests that need a CUDA device, in order of worth; milliseconds of an iteration
beside the bare product AᵀA and its Cholesky factorisation; how often an iteration waits for the
device, and in which lines; and from how many multiplications on the device wins, which is what
``device="auto"`` should know. Without a device it runs on the CPU with small sizes: that shows that
the command works, and nothing of a GPU. A part that fails is noted, and the others go on.
"""

import argparse
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # what is timed is what is tested, installed or not
os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # the profiler is to print nothing

import numpy as np
import torch
from calls import events_of_an_iteration, n_calls
from sklearn.exceptions import ConvergenceWarning

import skngd
from skngd import NaturalMomentumRegressor, PINNEstimator
from skngd.estimators.device import LARGE_MULTIPLICATIONS, few_threads, multiplications
from skngd.problems import zoo

DTYPES = {"float64": torch.float64, "float32": torch.float32}
# What a part may end with, so that the next one still runs.
FAILURES = (
    torch.cuda.OutOfMemoryError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    OSError,
)
SECONDS_FOR_TESTS = 100
# The tests that need a device, most valuable first.
GROUPS = {
    "linear algebra, all methods": ["tests/test_devices.py"],
    "regressor": ["tests/test_device.py"],
    "equations: blocks": ["tests/test_pinn_devices.py", "-k", "blocks_agree"],
    "equations: fits": ["tests/test_pinn_devices.py", "-k", "not blocks_agree"],
    "the rest": [
        "tests",
        *(f"--ignore=tests/{name}.py" for name in ("test_devices", "test_device")),
        "--ignore=tests/test_pinn_devices.py",
    ],
}
MOST_FAILURES = 8
OUTCOME = re.compile(r"^tests/\S+?::.* (PASSED|FAILED|ERROR|SKIPPED)\b", re.MULTILINE)
SUMMARY = re.compile(r"^(?:FAILED|ERROR) tests/.*$", re.MULTILINE)
# What makes the program wait for the device, and what it asks of it.
WAITS = (
    "cudaStreamSynchronize",
    "cudaDeviceSynchronize",
    "cudaEventSynchronize",
    "Memcpy DtoH",
    "Memcpy HtoD",
    "aten::item",
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "cudaMalloc",
    "cudaLaunchKernel",
)
MOST_LINES = 15
# Iterations that the crossover takes for a size, the first two to warm up, and multiplications a
# second of a slow CPU.
N_ITERATIONS, SLOW_CPU = 8, 1e10


class Report:
    """One table: part, case, what was found and its figure; kept in files after each part.

    Parameters
    ----------
    out : Path or None
        Files with this name and the endings .json and .md are written.
    about : dict of str to str
        The machine and the versions.
    seconds : float
        How long all parts may take together.
    """

    def __init__(self, out, about, seconds):
        self.out, self.about, self.rows, self.part = out, about, [], ""
        self.deadline = time.perf_counter() + seconds
        for name, value in about.items():
            print(f"{name:12s}{value}")
        print(f"{'part':12s}{'case':40s}{'what':42s}figure")

    @property
    def seconds_left(self):
        return self.deadline - time.perf_counter()

    def add(self, case, what, figure):
        figure = figure if isinstance(figure, str) else float(f"{figure:.4g}")
        self.rows.append({"part": self.part, "case": case, "what": what, "figure": figure})
        written = figure if isinstance(figure, str) else f"{figure:.4g}"
        print(f"{self.part:12s}{case:40s}{what:42s}{written}", flush=True)

    def attempt(self, case, task):
        """Run a task; what goes wrong becomes a row."""
        try:
            task()
        except FAILURES as error:
            first = (str(error).strip() or repr(error)).splitlines()[0]
            self.add(case, "failed", f"{type(error).__name__}: {first[:200]}")
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        self.write()

    def write(self):
        if self.out is None:
            return
        content = {"about": self.about, "rows": self.rows}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        self.out.with_suffix(".json").write_text(text, encoding="utf-8")
        lines = [f"* {name}: {value}" for name, value in self.about.items()]
        lines += ["", "| part | case | what | figure |", "|---|---|---|---|"]
        for row in self.rows:
            cells = (str(row[name]).replace("|", "\\|") for name in ("part", "case", "what"))
            figure = row["figure"]
            figure = figure.replace("|", "\\|") if isinstance(figure, str) else f"{figure:.4g}"
            lines.append(f"| {' | '.join(cells)} | {figure} |")
        text = "\n".join([*lines, ""])
        self.out.with_suffix(".md").write_text(text, encoding="utf-8")


def output_of(command):
    """What a command prints; "unknown" where there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def about(device):
    """Card, driver and versions, as words."""
    found = {"device": "CPU", "card": "none"}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        driver = output_of(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"])
        found = {
            "device": str(device),
            "card": f"{card.name}, {card.total_memory / 2**30:.0f} GiB, "
            f"capability {card.major}.{card.minor}",
            "driver": ", ".join(sorted(set(driver.splitlines()))),
            "CUDA": str(torch.version.cuda),
        }
    return found | {
        "torch": torch.__version__,
        "skngd": skngd.__version__,
        "Python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads of torch",
        "date": time.strftime("%Y-%m-%d %H:%M"),
    }


# The tests


def tests(report, device, small):
    if device.type != "cuda":
        report.add("without a CUDA device", "tests", "skipped")
    end = time.perf_counter() + min(SECONDS_FOR_TESTS, report.seconds_left)
    for name, arguments in itertools.islice(GROUPS.items(), 1 if small else None):
        left = end - time.perf_counter()
        if left < 1:
            report.add(name, "not begun", "no time left")
            continue
        report.attempt(name, lambda n=name, a=arguments, s=left: group(report, n, a, s))


def group(report, name, arguments, seconds):
    """The tests of a group, cut off where the time is over."""
    options = ["-m", "cuda", "-vv", "--tb=line", "-rfE", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # Wide, so that the summary holds the messages.
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "300"}
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            process.wait(seconds)
            end = f"{time.perf_counter() - began:.0f} s"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            end = f"cut off after {seconds:.0f} s"
        output.seek(0)
        text = output.read()
    counts = Counter(OUTCOME.findall(text))
    words = ("PASSED", "FAILED", "ERROR", "SKIPPED")
    found = ", ".join(f"{counts[word]} {word.lower()}" for word in words if counts[word])
    report.add(name, found or "no test ran", end)
    failures = SUMMARY.findall(text)
    if not failures:
        failures = [m.group(0) for m in OUTCOME.finditer(text) if m.group(1) in words[1:3]]
    if not counts and not failures:
        failures = text.strip().splitlines()[-1:]
    # One broken thing fails many tests: each message once.
    tests_of = {}
    for line in failures:
        test, _, message = line.partition(" - ")
        tests_of.setdefault(message[:200] or "no message", []).append(test.split("::")[-1])
    for message, names in itertools.islice(tests_of.items(), MOST_FAILURES):
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        report.add(name, names[0][:32] + more, message)
    if len(tests_of) > MOST_FAILURES:
        report.add(name, "further messages", len(tests_of) - MOST_FAILURES)


# Fits of each shape


def equation_fit(problem, n_neurons, **points):
    """A fit of a problem by its number of iterations, device and dtype."""

    def fit(max_iter, **settings):
        settings = {"tol": 0, "n_iter_no_change": 10**6, "random_state": 0, **settings, **points}
        return PINNEstimator(
            problem,
            (n_neurons,),
            activation="tanh",
            max_iter=max_iter,
            estimate_error=False,
            **settings,
        ).fit()

    return fit


def rows_fit(n_rows, n_columns, n_neurons):
    """The same of a regression."""
    X = np.random.default_rng(0).uniform(-1, 1, (n_rows, n_columns))
    y = np.sin(3 * X.sum(axis=1))

    def fit(max_iter, **settings):
        settings = {"tol": 0, "n_iter_no_change": 10**6, "n_init": 1, "random_state": 0, **settings}
        model = NaturalMomentumRegressor((n_neurons,), max_iter=max_iter, **settings)
        return model.fit(X, y)

    return fit


def laplace2d(n_side, n_neurons):
    """(n_side + 2)² points of a grid, 4 n_neurons + 1 parameters."""
    points = {"n_interior": n_side**2, "n_boundary": 4 * (n_side + 1), "sampler": "grid"}
    fit = equation_fit(zoo.Laplace2D(), n_neurons, **points)
    return fit, (n_side + 2) ** 2, 4 * n_neurons + 1


def laplace5d(n_rows, n_neurons):
    """A ninth of the points on the boundary, 7 n_neurons + 1 parameters."""
    n_boundary = n_rows // 9
    points = {"n_interior": n_rows - n_boundary, "n_boundary": n_boundary, "sampler": "uniform"}
    return equation_fit(zoo.Laplace5D(), n_neurons, **points), n_rows, 7 * n_neurons + 1


def regression(n_rows, n_columns, n_neurons):
    fit = rows_fit(n_rows, n_columns, n_neurons)
    return fit, n_rows, (n_columns + 2) * n_neurons + 1


def shapes(small):
    """(fit, rows, parameters) of what is timed."""
    if small:
        return [laplace2d(8, 8), laplace5d(180, 8), regression(2048, 8, 10)]
    return [laplace2d(28, 32), laplace5d(4500, 64), regression(65_536, 8, 100)]


def written(n_rows, n_parameters):
    return f"{n_rows:,} × {n_parameters:,}"


def seconds_of_an_iteration(fit, n_iterations, **settings):
    """The median of a fit, without its first iteration, and how many iterations there were."""
    seconds = np.diff(fit(n_iterations, **settings).history_["time"])
    if not len(seconds):
        raise ValueError("the fit made no iteration")
    return float(np.median(seconds[min(1, len(seconds) - 1) :])), len(seconds)


def milliseconds(task, device, seconds=0.3, most=50):
    """The median of a task that a device does on its own; the first two are not counted."""

    def once():
        began = time.perf_counter()
        task()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    once(), once()
    times = [once()]
    while sum(times) < seconds and len(times) < most:
        times.append(once())
    return 1e3 * statistics.median(times)


# Times beside the bare linear algebra


def times(report, device, small):
    for fit, n_rows, n_parameters in shapes(small):
        for dtype in DTYPES:
            case = f"{written(n_rows, n_parameters)} {dtype}"
            if report.seconds_left < 5:
                report.add(case, "not begun", "no time left")
                continue
            report.attempt(
                case,
                lambda c=case, f=fit, s=(n_rows, n_parameters), t=dtype: times_of(
                    report, c, f, *s, t, device, small
                ),
            )


def times_of(report, case, fit, n_rows, n_parameters, dtype, device, small):
    fit(2, device=str(device), dtype=dtype)
    n_iterations = 6 if small else 15
    whole, n_made = seconds_of_an_iteration(fit, n_iterations, device=str(device), dtype=dtype)
    report.add(case, f"ms of an iteration, median of {n_made}", 1e3 * whole)
    kind = {"dtype": DTYPES[dtype], "device": device}
    on_cpu = device.type == "cpu"
    threads = few_threads(multiplications(n_rows, 1, n_parameters)) if on_cpu else nullcontext()
    with threads:
        a = torch.randn(n_parameters, n_rows, **kind).T  # by columns, as the package keeps it
        product = milliseconds(lambda: a.T @ a, device)
        gram = a.T @ a + n_rows * torch.eye(n_parameters, **kind)
        cholesky = milliseconds(lambda: torch.linalg.cholesky_ex(gram), device)
    report.add(case, "ms of the bare product AᵀA", product)
    report.add(case, "ms of a Cholesky factorisation", cholesky)
    report.add(case, "iteration by product and factorisation", 1e3 * whole / (product + cholesky))
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / 2**20
        report.add(case, "MiB at the peak, so far", peak)


# How often an iteration waits


def waits(report, device, small):
    cases = shapes(small)
    for fit, n_rows, n_parameters in (cases[0], cases[2]):
        case = written(n_rows, n_parameters)
        if report.seconds_left < 15:
            report.add(case, "not begun", "no time left")
            continue
        task = waits_of if device.type == "cpu" else waits_and_lines_of
        report.attempt(case, lambda c=case, f=fit, t=task: t(report, c, f, device))


def waits_of(report, case, fit, device):
    """Counted by the profiler."""
    few, many = 3, 9
    events = events_of_an_iteration(lambda n: fit(n, device=str(device)), few, many)
    report.add(case, "an iteration: calls of aten", n_calls(events))
    for start in WAITS:
        count = sum(n for name, n in events.items() if name.startswith(start))
        if count:
            report.add(case, f"an iteration: {start}", count)


def waits_and_lines_of(report, case, fit, device):
    """The same, and the lines of the package that wait, as torch tells them."""
    waits_of(report, case, fit, device)
    lines = Counter()
    few, many = 3, 9
    for n_iterations, sign in ((few, -1), (many, 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                fit(n_iterations, device=str(device))
            finally:
                torch.cuda.set_sync_debug_mode("default")
        for warning in caught:
            if "synchroniz" in str(warning.message).lower():
                path = warning.filename.rpartition("skngd/")[2]
                lines[f"{path}:{warning.lineno}"] += sign
    report.add(case, "an iteration: lines that wait, times", sum(lines.values()) / (many - few))
    for line, count in lines.most_common(MOST_LINES):
        if count > 0:
            report.add(case, f"  {line}", count / (many - few))


# From which size on the device wins


def sizes(small):
    """(fit, rows, parameters) in the order of their multiplications, rows and equations mixed."""
    if small:
        found = [regression(500, 4, 10), regression(4000, 4, 20), laplace2d(10, 10)]
    else:
        found = [
            *(regression(n, 4, 10) for n in (500, 5000, 50_000)),
            *(regression(n, 4, 40) for n in (2000, 20_000)),
            *(regression(n, 4, 166) for n in (2000, 20_000)),
            *(laplace2d(n, m) for n, m in ((28, 32), (28, 64), (60, 128))),
            *(laplace5d(n, m) for n, m in ((4500, 64), (9000, 128))),
        ]
    return sorted(found, key=lambda shape: work_of(*shape[1:]))


def work_of(n_rows, n_parameters):
    return multiplications(n_rows, 1, n_parameters)


def crossover(report, device, small):
    found = []
    for fit, *shape in sizes(small):
        case = f"{written(*shape)}, {work_of(*shape):.1e} multiplications"
        if report.seconds_left < 10:
            report.add(case, "not begun", "no time left")
            continue
        report.attempt(
            case, lambda c=case, f=fit, s=shape: found.append(both(report, c, f, s, device))
        )
    report.add("constant in use", "LARGE_MULTIPLICATIONS", LARGE_MULTIPLICATIONS)
    if device.type == "cuda":
        report.add("crossover", "multiplications from which CUDA wins", crossing(found))
    else:
        report.add("crossover", "needs a CUDA device", "not measured")


def both(report, case, fit, shape, device):
    """(multiplications, seconds on the CPU, seconds on the device) of an iteration."""
    work, seconds = work_of(*shape), []
    if N_ITERATIONS * work / SLOW_CPU > report.seconds_left / 3:
        raise ValueError("the CPU would take too long")
    for place in dict.fromkeys(("cpu", str(device))):
        fit(2, device=place)
        seconds.append(seconds_of_an_iteration(fit, N_ITERATIONS - 2, device=place)[0])
        report.add(case, f"ms of an iteration on {place}", 1e3 * seconds[-1])
    return work, seconds[0], seconds[-1]


def crossing(found):
    """Where the device begins to win for good: between the sizes, in logarithms.

    Parameters
    ----------
    found : list of (work, seconds here, seconds there)
        In the order of the work.
    """
    work, here, there = np.array(found, dtype=float).reshape(-1, 3).T
    gain = np.log(here / there)
    losing = np.flatnonzero(gain <= 0)
    if not len(work):
        return "no sizes"
    if not len(losing):
        return f"below {work[0]:.1e}"
    last = losing[-1]
    if last == len(work) - 1:
        return f"above {work[-1]:.1e}"
    part = -gain[last] / (gain[last + 1] - gain[last])
    return float(work[last] * (work[last + 1] / work[last]) ** part)


PARTS = {"tests": tests, "times": times, "waits": waits, "crossover": crossover}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="files with this name, .json and .md")
    parser.add_argument("--small", action="store_true", help="sizes for a CPU, in 20 seconds")
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--seconds", type=float, default=285.0, help="for all parts together")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    name = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", 0)
    small = options.small or device.type == "cpu"
    if device.type == "cpu":
        print("There is no CUDA device, or it was not asked for: small sizes on the CPU.")
    warnings.simplefilter("ignore", ConvergenceWarning)
    report = Report(options.out, about(device), options.seconds)
    for part in options.parts:
        report.part = part
        report.attempt("whole part", lambda p=part: PARTS[p](report, device, small))
    report.part = "end"
    report.add("all parts", "seconds", options.seconds - report.seconds_left)
    report.write()


if __name__ == "__main__":
    main()
