"""The commands other people's scripts call: ``python -m core COMMAND``, each a module of ``core.commands``.

Exit status: 0 done, 1 a user's error in plain words on standard error, 2 wrong usage.
"""

from __future__ import annotations

import sys

import typer

from core.analyses.maps.export import ANALYSIS as EXPORT
from core.analyses.maps.polygons import ANALYSIS as POLYGONS
from core.analyses.maps.triage_grid import ANALYSIS as TRIAGE_GRID
from core.analyses.splitting.protocols import ANALYSIS as PROTOCOLS
from core.commands.analyse import analyse_app, command_of
from core.commands.audit import audit_app, check
from core.commands.datasets.join import join
from core.commands.demo import demo
from core.commands.ensembles.ensemble import ensemble, ensemble_predict
from core.commands.estimate import estimate
from core.commands.experiments.ablate import ablate
from core.commands.experiments.search import search
from core.commands.explain import explain
from core.commands.heads import heads
from core.commands.ingest import ingest
from core.commands.jobs import jobs_app
from core.commands.known import bands, layouts
from core.commands.maps.scene import predict_scene
from core.commands.model import model
from core.commands.predict import check_submission, evaluate, predict
from core.commands.prevalence import prevalence
from core.commands.reports.report import report
from core.commands.review.desk import review
from core.commands.runs import compare, doctor
from core.commands.train import train
from core.errors import LandslideLensError
from core.text import one_line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Landslide Lens on the command line.",
)
COMMANDS = (
    ingest, join, layouts, bands, check, model, demo, train, ablate, search, estimate, evaluate, predict, predict_scene,
    check_submission, prevalence, heads, explain, compare, ensemble, ensemble_predict, review, report, doctor,
)  # fmt: skip
NAMELESS = {
    POLYGONS: ("probability",),
    TRIAGE_GRID: ("probability",),
    EXPORT: (),
    PROTOCOLS: (),
}  # options that need no name
for command in COMMANDS:
    app.command()(command)
for known, arguments in NAMELESS.items():
    app.command(known.name.replace("_", "-"))(command_of(known, arguments))
app.add_typer(audit_app, name="audit")
app.add_typer(analyse_app, name="analyse")
app.add_typer(jobs_app, name="jobs")


def main() -> None:
    """Run the command line; a user's error becomes one sentence and exit status 1."""
    try:
        app()
    except LandslideLensError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        where = f" {one_line(error.filename)}" if error.filename is not None else ""
        reason = one_line(error.strerror or error)
        print(f"Error: The file system says of{where or ' a file'}: {reason}. Check the path and its rights.",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(1) from None
