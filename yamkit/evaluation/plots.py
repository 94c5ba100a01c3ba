"""Plots of a report with matplotlib (extra ``plots``): precision-recall curves and confusions."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import MissingRequirementError
from yamkit.evaluation.tags.metrics import precision_recall_curve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.set_report import SetReport

__all__ = ["can_plot", "classes_to_name", "confusion", "plot_confusion", "plot_curves"]

_NAMED = 10
"""Largest number of curves with a colour and a name."""
_NUMBERED = 20
"""Up to this number of classes, a confusion matrix shows numbers in its cells."""
_WRITTEN = 100
"""Up to this number of classes, a confusion matrix grows, and shows class names."""
_DPI = 120


def can_plot() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def classes_to_name(item: SetReport) -> list[int]:
    """Return the classes whose curves get a colour and a name, best first.

    These are all classes with positives if there are at most ten, otherwise the five best and the
    five worst.
    """
    present = [n for n, entry in enumerate(item.report.classes) if entry.positives]
    present.sort(key=lambda n: -item.report.classes[n].metrics["average_precision"].value)
    return (
        present if len(present) <= _NAMED else [*present[: _NAMED // 2], *present[-_NAMED // 2 :]]
    )


def plot_curves(item: SetReport, path: Path, named: Sequence[int]) -> None:
    """Plot the precision-recall curve of every class that has positives, as PNG.

    Parameters
    ----------
    item : SetReport
    path : Path
    named : sequence of int
        Classes whose curves get a name, and a colour by their position here. The same classes give
        plots of several systems that can be compared.

    Raises
    ------
    MissingRequirementError
        If matplotlib is not installed.
    """
    figure, axes = _figure(7.0, 5.0)
    present = [n for n, entry in enumerate(item.report.classes) if entry.positives]
    for column in [*(n for n in present if n not in named), *named]:
        entry = item.report.classes[column]
        recall, precision, _ = precision_recall_curve(item.truth[:, column], item.scores[:, column])
        # a precision holds for the step up to its recall, as in the average precision
        steps = {"drawstyle": "steps-pre", "clip_on": False}
        start = precision[:1]
        recall, precision = np.append(0, recall), np.append(start, precision)
        if column in named:
            label = f"{_literal(entry.name)} ({entry.metrics['average_precision'].value:.3f})"
            style = {"color": f"C{named.index(column)}", "linewidth": 1.4, "zorder": 3}
            axes.plot(recall, precision, label=label, **style, **steps)
        else:
            axes.plot(recall, precision, color="0.85", linewidth=0.6, **steps)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    value = item.report.summary["mean_average_precision"].value
    axes.set_title(
        f"{_literal(item.system.get('model', ''))}: mean average precision {value:.3f} over "
        f"{len(present)} classes, {item.coverage.scored} of {item.coverage.listed} clips",
        fontsize="medium",
    )
    axes.legend(
        title="average precision", loc="upper left", bbox_to_anchor=(1.01, 1), fontsize="small"
    )
    axes.grid(color="0.93")
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", format="png")


def confusion(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Count which class scores highest for the clips of each class; of equal ones, the first.

    Parameters
    ----------
    truth : ndarray, bool [N, K]
        At most one label per clip; clips without a label are left out.
    scores : ndarray, float [N, K]

    Returns
    -------
    ndarray, int64 [L, L + 1]
        For the L classes that are a label of any clip, in their order; the last column counts all
        other classes.
    """
    labelled = truth.any(axis=1)
    present = np.flatnonzero(truth.any(axis=0))
    index = np.full(truth.shape[1], len(present))
    index[present] = np.arange(len(present))
    counts = np.zeros((len(present), len(present) + 1), np.int64)
    rows, columns = truth[labelled].argmax(axis=1), scores[labelled].argmax(axis=1)
    np.add.at(counts, (index[rows], index[columns]), 1)
    return counts


def plot_confusion(item: SetReport, path: Path) -> None:
    """Plot which class scores highest for the clips of each class, normalised by row, as PNG.

    Raises
    ------
    MissingRequirementError
        If matplotlib is not installed.
    """
    counts = confusion(item.truth, item.scores)
    names = [_literal(entry.name) for entry in item.report.classes if entry.positives]
    columns = [*names, "another class"]
    if not counts[:, -1].any():
        counts, columns = counts[:, :-1], names
    shares = counts / counts.sum(axis=1, keepdims=True)
    size = 2.5 + 0.28 * min(len(names), _WRITTEN)
    figure, axes = _figure(size, size)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= _WRITTEN:
        axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize="small")
        axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set(xlabel="highest score", ylabel="label")
    if len(names) <= _NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                color=colour,
                fontsize="x-small",
            )
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the label's clips")
    accuracy = item.report.summary["top_1_accuracy"].value
    axes.set_title(
        f"{_literal(item.system.get('model', ''))}: top-1 accuracy {accuracy:.1%}, "
        f"{counts.sum()} labelled of {item.coverage.listed} clips",
        fontsize="medium",
    )
    figure.savefig(path, dpi=_DPI, bbox_inches="tight", format="png")


def _literal(name: str) -> str:
    """Escape a name so that matplotlib does not read it as a formula."""
    return printable(name).replace("$", r"\$")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingRequirementError(
            "plots require matplotlib: pip install 'yamkit[plots]'"
        ) from None
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()
