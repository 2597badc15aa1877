import os

import numpy as np
import pytest
import torch
from refusals import check_all_refusals

# rich asks for the width of the terminal once: in processes without one bars would be cut off.
os.environ["COLUMNS"] = "200"
# The problems of the tests are tiny: threads would wait for each other.
torch.set_num_threads(1)

check_all_refusals()


def pytest_runtest_setup(item):
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    # What random_state=None reads, so that a test is the same in each run; no Generator does that.
    np.random.seed(0)  # noqa: NPY002
