import type { FileColumn } from "../column-file.js";
import type { ValueType } from "../value-type.js";
import { FlatTable } from "./flatbuffer.js";

/** How the values of a column lie in their buffer. */
export type Layout =
  | { readonly of: "bits" }
  | { readonly of: "numbers"; readonly kind: NumberKind }
  /** Floating-point numbers of 16 bits. */
  | { readonly of: "half" }
  /** Integers of 128 or 256 bits. */
  | { readonly of: "long"; readonly bytes: number }
  /** Milliseconds of whole days. */
  | { readonly of: "days" }
  /** Texts one after the other, behind the places at which they end. */
  | { readonly of: "text"; readonly large: boolean }
  /** Texts of up to 12 bytes in place, longer ones in buffers of their own. */
  | { readonly of: "views" }
  /** No values. */
  | { readonly of: "nothing" };

export type NumberKind = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64";

/** A column of flat values; plain data. */
export interface ArrowColumn extends FileColumn {
  readonly layout: Layout;
  /** Its number among a batch's nodes, and of its first buffer among those that all batches have. */
  readonly place: Place;
  /** The structs that it is in, whose rows without a value have none here either. */
  readonly within: readonly Place[];
  /** Where values are places in a dictionary: its number, and how the places lie; `layout` is the dictionary's. */
  readonly dictionary: { readonly id: number; readonly indices: NumberKind } | undefined;
}

interface Place {
  readonly node: number;
  readonly buffer: number;
  /** The columns of texts in views that come before: so many counts of buffers are passed over. */
  readonly views: number;
}

export interface ArrowSchema {
  readonly columns: readonly ArrowColumn[];
  readonly others: readonly { name: string; what: string }[];
  /** The layout of each dictionary, by its number. */
  readonly dictionaries: ReadonlyMap<number, Layout>;
}

/** More fields than this are no schema. */
const MOST_FIELDS = 1 << 20;

/**
 * The columns of a schema (Arrow's Schema.fbs), in its order. Those within structs are columns too.
 *
 * @param version of the metadata, from 0: before the fifth, unions had a buffer more
 */
export function arrowSchema(schema: FlatTable, version: number): ArrowSchema {
  if (schema.short(0) !== 0) throw new RangeError("its numbers have their highest byte first (big-endian)");
  const columns: ArrowColumn[] = [];
  const others: { name: string; what: string }[] = [];
  const dictionaries = new Map<number, Layout>();
  const at = { node: 0, buffer: 0, views: 0 };
  let fields = 0;
  const walk = (
    field: FlatTable,
    names: readonly string[],
    within: readonly Place[],
    refused: boolean,
  ): void => {
    if (++fields > MOST_FIELDS) throw new RangeError("the schema has more columns than a file holds");
    const path = [...names, field.text(0) ?? ""];
    const name = path.join(".");
    const place = { ...at };
    const encoding = field.table(4);
    const kind = TYPES[field.byte(2)] ?? "unknown";
    const type = field.table(3) ?? EMPTY;
    at.node += 1;
    if (encoding !== undefined) {
      at.buffer += 2;
      const id = encoding.long(0);
      const values = valuesOf(kind, type);
      const index = encoding.table(1);
      const indices = index === undefined ? "i32" : integers(index);
      if (refused) return;
      if (values === undefined || indices === undefined)
        others.push({ name, what: `a dictionary of ${kind}` });
      else {
        dictionaries.set(id, values.layout);
        columns.push({ name, ...values, place, within, dictionary: { id, indices } });
      }
      return;
    }
    at.buffer += buffersOf(kind, type) + (kind === "Union" && version < 4 ? 1 : 0);
    if (kind === "Utf8View" || kind === "BinaryView") at.views += 1;
    if (kind === "Struct") {
      for (const child of field.tables(5)) walk(child, path, [...within, place], refused);
      return;
    }
    const values = valuesOf(kind, type);
    if (!refused) {
      if (values === undefined) others.push({ name, what: `of type ${kind}` });
      else columns.push({ name, ...values, place, within, dictionary: undefined });
    }
    for (const child of field.tables(5)) walk(child, path, within, true);
  };
  for (const field of schema.tables(1)) walk(field, [], [], false);
  return { columns, others, dictionaries };
}

/** Arrow's types, by their numbers. */
const TYPES = [
  undefined,
  "Null",
  "Int",
  "FloatingPoint",
  "Binary",
  "Utf8",
  "Bool",
  "Decimal",
  "Date",
  "Time",
  "Timestamp",
  "Interval",
  "List",
  "Struct",
  "Union",
  "FixedSizeBinary",
  "FixedSizeList",
  "Map",
  "Duration",
  "LargeBinary",
  "LargeUtf8",
  "LargeList",
  "RunEndEncoded",
  "BinaryView",
  "Utf8View",
  "ListView",
  "LargeListView",
] as const;

type Kind = Exclude<(typeof TYPES)[number], undefined> | "unknown";

/** A table without fields: what a type without parameters may be. */
const EMPTY = FlatTable.root(Uint8Array.of(8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0));

/** The buffers that every batch has of a column, those of its children apart. */
function buffersOf(kind: Kind, type: FlatTable): number {
  switch (kind) {
    case "Null":
    case "RunEndEncoded":
      return 0;
    case "Struct":
    case "FixedSizeList":
      return 1;
    case "Union":
      return type.short(0) === 0 ? 1 : 2;
    case "Binary":
    case "Utf8":
    case "LargeBinary":
    case "LargeUtf8":
    case "ListView":
    case "LargeListView":
      return 3;
    case "unknown":
      throw new RangeError("the schema has a type that goml does not know");
    default:
      return 2;
  }
}

const UNITS = [1, 1e3, 1e6, 1e9];

/** What the values of a column are, and how they lie; undefined where goml knows nothing to do with them. */
function valuesOf(kind: Kind, type: FlatTable): { type: ValueType; layout: Layout } | undefined {
  switch (kind) {
    case "Null":
      return { type: { of: "text" }, layout: { of: "nothing" } };
    case "Bool":
      return { type: { of: "boolean" }, layout: { of: "bits" } };
    case "Int": {
      const numbers = integers(type);
      if (numbers === undefined) return undefined;
      const wide = numbers === "i64" || numbers === "u64";
      return {
        type: wide ? { of: "integer", unsigned: numbers === "u64" } : { of: "number" },
        layout: { of: "numbers", kind: numbers },
      };
    }
    case "FloatingPoint": {
      const precision = type.short(0);
      if (precision === 0) return { type: { of: "number" }, layout: { of: "half" } };
      return { type: { of: "number" }, layout: { of: "numbers", kind: precision === 1 ? "f32" : "f64" } };
    }
    case "Decimal": {
      const width = type.int(2, 128);
      const layout: Layout | undefined =
        width === 32 || width === 64
          ? { of: "numbers", kind: width === 32 ? "i32" : "i64" }
          : width === 128 || width === 256
            ? { of: "long", bytes: width / 8 }
            : undefined;
      if (layout === undefined) return undefined;
      return { type: { of: "decimal", precision: type.int(0), scale: type.int(1) }, layout };
    }
    case "Utf8":
    case "LargeUtf8":
      return { type: { of: "text" }, layout: { of: "text", large: kind === "LargeUtf8" } };
    case "Utf8View":
      return { type: { of: "text" }, layout: { of: "views" } };
    case "Date":
      return {
        type: { of: "date" },
        layout: type.short(0, 1) === 0 ? { of: "numbers", kind: "i32" } : { of: "days" },
      };
    case "Time":
      return {
        type: { of: "time", perSecond: unitOf(type, 1) },
        layout: { of: "numbers", kind: type.int(1, 32) === 32 ? "i32" : "i64" },
      };
    case "Timestamp":
      return {
        type: { of: "timestamp", perSecond: unitOf(type, 0), utc: (type.text(1) ?? "") !== "" },
        layout: { of: "numbers", kind: "i64" },
      };
    default:
      return undefined;
  }
}

function unitOf(type: FlatTable, otherwise: number): number {
  const unit = UNITS[type.short(0, otherwise)];
  if (unit === undefined) throw new RangeError("a time has an unknown unit");
  return unit;
}

function integers(type: FlatTable): NumberKind | undefined {
  const bits = type.int(0);
  const signed = type.byte(1) !== 0;
  switch (bits) {
    case 8:
      return signed ? "i8" : "u8";
    case 16:
      return signed ? "i16" : "u16";
    case 32:
      return signed ? "i32" : "u32";
    case 64:
      return signed ? "i64" : "u64";
    default:
      return undefined;
  }
}
