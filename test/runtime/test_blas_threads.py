"""Matrix products of a program use the threads that were asked for, others are left alone."""

import numpy as np
import pytest
import torch

import edgeir
from edgeir.runtime.blas_threads import set_blas_threads

before = set_blas_threads(1)
set_blas_threads(before)
has_switch = pytest.mark.skipif(before == 0, reason="this numpy has another BLAS than OpenBLAS")


@has_switch
def test_count_before_comes_back():
    before = set_blas_threads(2)
    assert set_blas_threads(before) == 2
    assert set_blas_threads(0) == 0
    assert set_blas_threads(before) == before
    # More than a C int holds.
    set_blas_threads(10**20)
    set_blas_threads(before)


@has_switch
@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_leaves_the_count_alone(threads):
    model, x = torch.nn.Linear(64, 64), torch.randn(64, 64)
    module = edgeir.load(edgeir.compile(model, (x,)).buffer, threads=threads)
    before = set_blas_threads(2)
    np.testing.assert_allclose(module(x), model(x).detach().numpy(), rtol=1e-4, atol=1e-5)
    assert set_blas_threads(before) == 2


def test_no_threads_are_refused():
    program = edgeir.compile(torch.nn.ReLU(), (torch.randn(3),))
    with pytest.raises(edgeir.ProgramError, match="at least one"):
        edgeir.load(program.buffer, threads=0)
