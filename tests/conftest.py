"""What every test process is told before torch, numba or a BLAS is loaded; child processes are told the same."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see core.jobs.processes.child_environment
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache"))  # what is compiled once is there in the next run
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core: more threads would only wait for each other
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
