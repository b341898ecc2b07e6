"""Writes the Arrow files of files/ and what is in them, by the reference implementation (pyarrow 25.0.1).

python3 -m venv venv && venv/bin/pip install pyarrow && venv/bin/python test/sources/arrow/write-files.py
"""

import datetime as dt
import decimal
import json
import pathlib
import struct

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc

folder = pathlib.Path(__file__).parent / "files"
D = decimal.Decimal

def column(values, type):
    """Values with two rows of ten that have none."""
    return pa.array([None if i in (3, 8) else values[i % len(values)] for i in range(10)], type)


kinds = {
    "y": pa.array([1.5, 2, 3, 5, 8, 13, 21, 34, 55, 89.25]),
    "i8": column([-128, 127, 0], pa.int8()),
    "u8": column([255, 0, 7], pa.uint8()),
    "i16": column([-32768, 32767], pa.int16()),
    "u16": column([65535, 1], pa.uint16()),
    "i32": column([-(2**31), 2**31 - 1], pa.int32()),
    "u32": column([2**32 - 1, 1], pa.uint32()),
    "i64": column([-(2**53) + 1, 2**60, 3], pa.int64()),
    "u64": column([2**63, 2**53 - 1], pa.uint64()),
    "half": pa.array([None if i in (3, 8) else struct.unpack("e", struct.pack("e", [0.1, -2.5, 6e-8][i % 3]))[0] for i in range(10)]).cast(pa.float16()),
    "float": column([0.5, -1.25e-3], pa.float32()),
    "dec32": column([D("1.25"), D("-99.99")], pa.decimal32(6, 2)),
    "dec64": column([D("12345678.9"), D("-0.1")], pa.decimal64(15, 1)),
    "dec128": column([D("0.07"), D("-12345678901234567890123.50")], pa.decimal128(38, 2)),
    "dec256": column([D(10) ** 30, D("-2.5")], pa.decimal256(60, 4)),
    "flag": column([True, False, False], pa.bool_()),
    "text": column(["red", "grün, or so", ""], pa.string()),
    "large": column(["a" * 40, "b"], pa.large_string()),
    "view": column(["twelve chars", "thirteen chars, and more", "ü"], pa.string_view()),
    "level": pa.DictionaryArray.from_arrays(
        pa.array([2, 0, 1, None, 2, 2, 3, 0, None, 1], pa.int8()), pa.array(["low", "mid", "high", None])
    ),
    "coded": pa.DictionaryArray.from_arrays(pa.array([0, 1] * 5, pa.uint16()), pa.array([10.5, -3.0])),
    "day": column([dt.date(1969, 7, 20), dt.date(2024, 2, 29)], pa.date32()),
    "day64": column([dt.date(1969, 7, 20), dt.date(2024, 2, 29)], pa.date64()),
    "second": column([dt.datetime(2024, 2, 29, 12)], pa.timestamp("s")),
    "micro": column([dt.datetime(1969, 7, 20, 20, 17, 40, 500000)], pa.timestamp("us", tz="Europe/Berlin")),
    "time": column([dt.time(23, 59, 59, 250000)], pa.time32("ms")),
    "nano": column([dt.time(0, 0, 1)], pa.time64("ns")),
    "none": pa.nulls(10),
    "part": pa.StructArray.from_arrays(
        [column([1.0, 2.0], pa.float64()), pa.array(list("abcdefghij"))],
        names=["a", "b"],
        mask=pa.array([i == 0 for i in range(10)]),
    ),
    "list": pa.array([[1, 2], [], None] * 3 + [[4]], pa.list_(pa.int32())),
    "fixed": pa.array([[1, 2]] * 10, pa.list_(pa.int32(), 2)),
    "raw": pa.array([b"x"] * 10),
    "wait": pa.array([dt.timedelta(seconds=1)] * 10),
    "after": pa.array([float(i) for i in range(10)]),
}
table = pa.table(kinds)


def texts(values, type):
    if pa.types.is_decimal(type):
        return [None if v is None else format(v, "f") for v in values]
    if pa.types.is_date(type):
        return [None if v is None else v.isoformat() for v in values]
    if pa.types.is_timestamp(type):
        utc = type.tz is not None
        values = [v if v is None or not utc else v.astimezone(dt.timezone.utc).replace(tzinfo=None) for v in values]
        return [None if v is None else v.isoformat(" ").rstrip("0" if v.microsecond else " ") + ("Z" if utc else "") for v in values]
    if pa.types.is_time(type):
        return [None if v is None else v.isoformat().rstrip("0" if v.microsecond else " ") for v in values]
    if pa.types.is_boolean(type):
        return [None if v is None else str(v).lower() for v in values]
    return values


flat = {
    **{name: values for name, values in kinds.items() if name not in ("part", "list", "fixed", "raw", "wait", "none")},
    "part.a": pa.array([None if r["b"] is None else r["a"] for r in [v or {"a": None, "b": None} for v in kinds["part"].to_pylist()]]),
    "part.b": pa.array([(v or {"b": None})["b"] for v in kinds["part"].to_pylist()]),
}
expected = {name: texts(values.to_pylist(), values.type) for name, values in flat.items()}
(folder / "kinds.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n")

for codec in ("uncompressed", "lz4", "zstd"):
    feather.write_feather(table, str(folder / f"kinds-{codec}.arrow"), compression=codec, chunksize=4)
with ipc.new_stream(str(folder / "kinds.arrows"), table.schema) as stream:
    stream.write_table(table, max_chunksize=3)

# A stream whose dictionary grows, and is then another one.
growing = pa.schema([("level", pa.dictionary(pa.int8(), pa.string())), ("y", pa.float64())])
with ipc.new_stream(str(folder / "growing.arrows"), growing, options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as stream:
    for codes, levels in (([0, 1, 0], ["a", "b"]), ([2, 1, 0], ["a", "b", "c"]), ([0, 1, 1], ["z", "a"])):
        level = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(levels))
        stream.write_batch(pa.record_batch([level, pa.array([1.0, 2.0, 3.5])], schema=growing))

# Buffers of several LZ4 blocks, and batches that are cut into several chunks.
rows = 140_000
tall = pa.table({
    "x": pa.array([float(i // 700 % 251) for i in range(rows)]),
    "n": pa.array([None if i // 400 % 11 == 3 else i // 400 % 7 for i in range(rows)], pa.int32()),
    "g": pa.array([["left", "middle", "right"][i // 5000 % 3] for i in range(rows)]),
    "y": pa.array([float(i // 300 % 97) + i // 700 % 251 for i in range(rows)]),
})
for codec in ("lz4", "zstd"):
    feather.write_feather(tall, str(folder / f"tall-{codec}.arrow"), compression=codec, chunksize=rows)
feather.write_feather(pa.table({"x": [1.0, 2.0]}), str(folder / "version1.feather"), version=1)
