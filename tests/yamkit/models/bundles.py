"""What describes a bundle that is written again."""

from __future__ import annotations

from typing import Any

from yamkit.models import ModelBundle


def arguments(tiny: ModelBundle) -> dict[str, Any]:
    return {
        "name": tiny.name,
        "version": tiny.version,
        "licence": tiny.licence,
        "source": tiny.source,
        "source_sha256": tiny.source_sha256,
        "features": tiny.features,
        "network": tiny.network,
        "classes": tiny.classes,
    }
