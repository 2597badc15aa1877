import pytest
import torch
from refusals import check_all_refusals

# The problems of the tests are tiny: threads would wait for each other.
torch.set_num_threads(1)

check_all_refusals()


def pytest_runtest_setup(item):
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
