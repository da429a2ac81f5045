"""Parquet and Arrow files: their columns in batches, and tables of paths in them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from noisefind.errors import DataError
from noisefind.utils.text import error_text, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".parquet", ".arrow")


def holds_names(path: Path) -> bool:
    """Whether a Parquet or Arrow file has columns of text and none of images: a table of paths."""
    if path.suffix.lower() not in SUFFIXES or find_spec("pyarrow") is None or not path.is_file():
        return False
    import pyarrow.types as types

    try:
        kinds = [field.type for field in schema_of(path)]
    except Exception:  # noqa: BLE001  pyarrow raises many kinds; the reader of images names it
        return False
    has_text = any(types.is_string(kind) or types.is_large_string(kind) for kind in kinds)
    return has_text and not any(map(is_image_type, kinds))


def named_rows(path: Path) -> tuple[list[str], list[dict[str, object]]]:
    """Columns and rows of a table of paths; whole numbers have the names of their classes.

    Raises:
        DataError: the file is damaged.
    """
    try:
        schema = schema_of(path)
        features = features_of(schema.metadata or {})
        values = {
            name: [
                value
                for batch in record_batches(path, name, 65_536)
                for value in batch.column(0).to_pylist()
            ]
            for name in dict.fromkeys(schema.names)
        }
    except Exception as error:  # pyarrow raises many kinds on damaged files
        raise DataError(f"{shown_path(path)} cannot be read: {error_text(error)}") from error
    for name, of_column in values.items():
        feature = features.get(name)
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list):
            number: dict[int, object] = dict(enumerate(names))
            number[-1] = None  # Hugging Face's missing label
            values[name] = [number.get(v, v) if isinstance(v, int) else v for v in of_column]
    rows = zip(*values.values(), strict=True)
    return list(schema.names), [dict(zip(values, row, strict=True)) for row in rows]


def is_image_type(kind: Any) -> bool:
    """Whether a column may hold images: binary, or Hugging Face's struct of bytes and path."""
    import pyarrow.types as types

    if types.is_struct(kind):
        return any(kind.field(place).name == "bytes" for place in range(kind.num_fields))
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def features_of(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Hugging Face's description of the columns, from the schema's metadata."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def schema_of(path: Path) -> Any:
    """The schema of a file; pyarrow raises many kinds of errors on damaged ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        return pq.read_schema(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).schema


def record_batches(path: Path, column: str, n_rows: int) -> Iterator[Any]:
    """Batches of exactly ``n_rows`` rows of one column, the last one excepted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(path, pre_buffer=False) as file:
            yield from _regular(file.iter_batches(n_rows, columns=[column]), n_rows)
        return
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_stream(source)
        yield from _regular((batch.select([column]) for batch in reader), n_rows)


def _regular(batches: Iterator[Any], n_rows: int) -> Iterator[Any]:
    """The same rows in batches of ``n_rows``: files have their own sizes of groups."""
    import pyarrow as pa

    waiting: list[Any] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += batch.num_rows
        if n_waiting < n_rows:
            continue
        table = pa.Table.from_batches(waiting)
        n_full = n_waiting // n_rows * n_rows
        for start in range(0, n_full, n_rows):
            yield table.slice(start, n_rows)
        waiting = table.slice(n_full).to_batches()
        n_waiting -= n_full
    if n_waiting:
        yield pa.Table.from_batches(waiting)
