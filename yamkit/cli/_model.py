"""The model of a command that names none, and the line that says which one that is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from yamkit.cli._notes import note

if TYPE_CHECKING:
    from yamkit.models import ModelBundle

__all__ = ["MODEL_HELP", "choose_model"]

MODEL_HELP = "Model.  [default: $YAMKIT_MODEL, else yamnet if it is installed, else yamnet-mini]"


def choose_model(name_or_folder: str | None) -> ModelBundle:
    """Load the model that was asked for, or the default one.

    Where that is neither of somebody's choice nor the full model, standard error says so.
    """
    from yamkit.models.store import DEFAULT_MODEL, FALLBACK_MODEL, default_model, find_model

    if name_or_folder is not None:
        return find_model(name_or_folder)
    bundle = default_model()
    if bundle.name == FALLBACK_MODEL and not os.environ.get("YAMKIT_MODEL"):
        note(
            f"using {FALLBACK_MODEL}, the small model that comes with yamkit; "
            f"`yamkit models pull {DEFAULT_MODEL}` fetches the full one"
        )
    return bundle
