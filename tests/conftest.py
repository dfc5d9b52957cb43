"""Settings that must be there before torch is loaded."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see core.jobs.processes.child_environment
