"""Time of ``import skngd`` beside ``import torch, sklearn``, in fresh processes, in turn.

Prints both medians and the median of the ratios, pair by pair.
"""

import argparse
import statistics
import subprocess
import sys
import time


def seconds(statement):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    reference = "import torch, sklearn"
    ratios, ours = [], []
    seconds("import skngd")  # compiled files and disk caches
    for _ in range(arguments.runs):
        ours.append(seconds("import skngd"))
        ratios.append(ours[-1] / seconds(reference))
    ratio = statistics.median(ratios)
    print(f"import skngd: {statistics.median(ours):.2f} s, {ratio:.2f} times `{reference}`")


if __name__ == "__main__":
    main()
