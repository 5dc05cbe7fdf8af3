"""Worker processes, each test in a process of its own, because workers are shared with whatever ran before."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def run(code):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    # loky's own tracker may be told too late on a busy machine that something is tidied up already
    assert [line for line in done.stderr.splitlines() if "resource_tracker" not in line and "warn(" not in line] == []
    return done.stdout.splitlines()


def test_a_worker_uses_as_many_threads_as_it_may():
    pytest.importorskip("threadpoolctl")
    code = """
import joblib
from emodj_live.workers import in_order, start_workers, stop_workers

def threads():
    import numpy
    from threadpoolctl import threadpool_info
    return {pool["num_threads"] for pool in threadpool_info()}

for count in (1, 2):
    start_workers(2, threads=count)
    print(*in_order([joblib.delayed(threads)() for _ in range(3)], 2, threads=count))
stop_workers()
"""
    assert run(code) == ["{1} {1} {1}", "{2} {2} {2}"]


def test_what_prepares_workers_is_called_once_in_each_of_them():
    code = """
import functools, joblib, os
from emodj_live.workers import as_completed, start_workers, stop_workers

def prepare(marks):
    import builtins
    builtins.marks = getattr(builtins, "marks", []) + marks

def work():
    return os.getpid(), marks

prepare_all = functools.partial(prepare, ["prepared"])
start_workers(2, prepare=prepare_all, threads=1)
results = list(as_completed([joblib.delayed(work)()] * 9, 2, prepare=prepare_all, threads=1, batch_size=1))
print(len(results), {tuple(marks) for _, marks in results}, len({pid for pid, _ in results}) <= 2)
stop_workers()
"""
    assert run(code) == ["9 {('prepared',)} True"]
