"""A table with every column, arrays included, in each program that reads Parquet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    EventParameters,
    Parameters,
    PatchTags,
    RunInfo,
    RunModel,
    Tag,
)

pytest.importorskip("pyarrow")

DOG, CAT = Tag(69, "/m/0bt9lr", "Dog", 0.75), Tag(76, "/m/01yrx", "Cat", 0.125)
SCORES = np.array([0.1, 1.0, 6e-8], np.float16)
EMBEDDING = np.array([0.0, 1234.5], np.float16)


@dataclass(frozen=True)
class Case:
    """Items of a run, and what every reader must make of them: path, start, name, scores."""

    items: tuple
    rows: tuple
    per_patch: bool = False
    events: EventParameters | None = None


FAILURE = ClipFailure("ü.wav", "DecodeError", "ü.wav: not a sound file")
CASES = {
    "clips": Case(
        (
            ClipStart("a.wav", 8000, 1),
            ClipEnd(1.5, 2, (DOG, CAT), ("odd",), SCORES, EMBEDDING),
            FAILURE,
        ),
        (
            ("a.wav", 0.0, "Dog", SCORES),
            ("a.wav", 0.0, "Cat", None),
            ("ü.wav", None, None, None),
        ),
    ),
    "patches": Case(
        (
            ClipStart("a.wav", 8000, 1),
            PatchTags(0.0, 0.975, (DOG,), SCORES, EMBEDDING),
            PatchTags(0.48, 1.455, (), SCORES * 0, EMBEDDING),
            ClipEnd(1.5, 2, (DOG,)),
        ),
        (("a.wav", 0.0, "Dog", SCORES), ("a.wav", 0.48, None, SCORES * 0)),
        per_patch=True,
    ),
    "events": Case(
        (
            ClipStart("a.wav", 8000, 1),
            Event(0.48, 0.96, DOG),
            ClipEnd(1.5, 2, (DOG,), ("odd",), SCORES, EMBEDDING),
        ),
        (("a.wav", 0.48, "Dog", None), ("a.wav", 0.0, None, SCORES)),
        events=EventParameters(),
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def path(case: Case, tmp_path: Path) -> Path:
    from yamkit.sinks._parquet import ParquetSink

    about = RunInfo(
        yamkit="1.2.3",
        model=RunModel("net", "1", "ab" * 32, "somewhere", 3),
        backend="onnx",
        frontend="logmel",
        resampler="polyphase",
        parameters=Parameters("mean", 0.48, None, 5, events=case.events),
        per_patch=case.per_patch,
        embedding_size=2,
        arrays=("scores", "embedding"),
    )
    path = tmp_path / "tags.parquet"
    with path.open("wb") as stream:
        sink = ParquetSink()
        sink.open(about, stream)
        for item in case.items:
            sink.write(item)
        sink.close()
    return path


def by_pyarrow(path: Path) -> list[dict]:
    return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()


def by_pandas(path: Path) -> list[dict]:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(path, engine="pyarrow")
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def by_fastparquet(path: Path) -> list[dict]:
    fastparquet = pytest.importorskip("fastparquet")
    with path.open("rb") as stream:  # it leaves files open that it opens itself
        frame = fastparquet.ParquetFile(stream).to_pandas()
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def by_duckdb(path: Path) -> list[dict]:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def by_polars(path: Path) -> list[dict]:
    return pytest.importorskip("polars").read_parquet(path).to_dicts()


def by_spark(path: Path) -> list[dict]:
    sql = pytest.importorskip("pyspark.sql")
    builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    try:
        return [row.asDict() for row in session.read.parquet(str(path)).collect()]
    finally:
        session.stop()


@pytest.mark.parametrize(
    "read", [by_pyarrow, by_pandas, by_fastparquet, by_duckdb, by_polars, by_spark]
)
@pytest.mark.long(reason="writes many files")
def test_every_reader_finds_the_same_rows(
    read: Callable[[Path], list[dict]], path: Path, case: Case
) -> None:
    rows = read(path)
    assert len(rows) == len(case.rows)
    for row, (name, start, tag, scores) in zip(rows, case.rows, strict=True):
        assert (row["path"], row["start_seconds"], row["name"]) == (name, start, tag)
        if scores is None:
            assert row["scores"] is None
            assert row["embedding"] is None
        else:
            # 32-bit floats hold 16-bit ones exactly
            assert [float(value) for value in row["scores"]] == scores.astype(float).tolist()
            assert [float(value) for value in row["embedding"]] == EMBEDDING.astype(float).tolist()
