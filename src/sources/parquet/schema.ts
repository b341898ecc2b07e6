import type { FileMetaData, SchemaElement } from "hyparquet";
import type { ValueType } from "../value-type.js";

/** How the values of a column lie in pages. */
type PhysicalType =
  | "BOOLEAN"
  | "INT32"
  | "INT64"
  | "INT96"
  | "FLOAT"
  | "DOUBLE"
  | "BYTE_ARRAY"
  | "FIXED_LEN_BYTE_ARRAY";

/** A column of flat values; plain data. */
export interface LeafColumn {
  /** Its name, those of the groups that it is in before it, with points between. */
  readonly name: string;
  /** Its number among the column chunks of a row group. */
  readonly index: number;
  readonly physical: PhysicalType;
  /** The bytes of a value of fixed length. */
  readonly length: number;
  readonly type: ValueType;
  /** Whether integers of 32 bits are none below 0: they are stored as if they were signed. */
  readonly unsigned: boolean;
  /** The level of definition at which there is a value; 0 where there always is. */
  readonly defined: number;
}

/** A file's columns, and those that are no flat values, with what they are. */
export interface LeafColumns {
  readonly columns: LeafColumn[];
  readonly others: { name: string; what: string }[];
}

/** The columns of a file, in its order. Those within groups that do not repeat are columns too. */
export function leafColumns({ schema }: Pick<FileMetaData, "schema">): LeafColumns {
  const columns: LeafColumn[] = [];
  const others: LeafColumns["others"] = [];
  let at = 1;
  let index = 0;
  const walk = (names: readonly string[], defined: number, refused: string | undefined): void => {
    const element = schema[at++]!;
    const path = [...names, element.name];
    const level = defined + (element.repetition_type === "OPTIONAL" ? 1 : 0);
    const what = refused ?? notFlat(element);
    if (element.num_children !== undefined && element.num_children > 0) {
      if (refused === undefined && what !== undefined) others.push({ name: path.join("."), what });
      for (let i = 0; i < element.num_children; i++) walk(path, level, what);
      return;
    }
    const number = index++;
    const type = what === undefined ? valueType(element) : undefined;
    const name = path.join(".");
    if (type === undefined) {
      if (refused === undefined) others.push({ name, what: what ?? otherType(element) });
      return;
    }
    const physical = element.type as PhysicalType;
    const { type_length: length = 0 } = element;
    columns.push({
      name,
      index: number,
      physical,
      length,
      type,
      unsigned: isUnsigned32(element),
      defined: level,
    });
  };
  for (let i = 0; i < (schema[0]?.num_children ?? 0); i++) walk([], 0, undefined);
  return { columns, others };
}

/** What an element is that has no one value in each row. */
function notFlat({ repetition_type, converted_type, logical_type }: SchemaElement): string | undefined {
  if (converted_type === "LIST" || logical_type?.type === "LIST" || repetition_type === "REPEATED")
    return "a list";
  if (converted_type === "MAP" || logical_type?.type === "MAP") return "a map";
  if (logical_type?.type === "VARIANT") return "a variant";
  return undefined;
}

function otherType({ type, converted_type, logical_type }: SchemaElement): string {
  return `of type ${logical_type?.type ?? converted_type ?? type}`;
}

const PER_SECOND = { MILLIS: 1e3, MICROS: 1e6, NANOS: 1e9 };

/** What the values of a column are; undefined where goml knows nothing to do with them. */
function valueType(element: SchemaElement): ValueType | undefined {
  const { type, converted_type: converted, logical_type: logical, scale, precision } = element;
  switch (logical?.type) {
    case "DECIMAL":
      return { of: "decimal", scale: logical.scale, precision: logical.precision };
    case "DATE":
      return { of: "date" };
    case "TIME":
      return { of: "time", perSecond: PER_SECOND[logical.unit] };
    case "TIMESTAMP":
      return { of: "timestamp", perSecond: PER_SECOND[logical.unit], utc: logical.isAdjustedToUTC };
    case "INTEGER":
      if (logical.bitWidth === 64) return { of: "integer", unsigned: !logical.isSigned };
      return type === "INT32" ? { of: "number" } : undefined;
    case "STRING":
    case "ENUM":
    case "JSON":
    case "UUID":
      return { of: "text" };
    case "FLOAT16":
      return { of: "number" };
    case undefined:
      break;
    default:
      return undefined;
  }
  switch (converted) {
    case "DECIMAL":
      return { of: "decimal", scale: scale ?? 0, precision: precision ?? 0 };
    case "DATE":
      return { of: "date" };
    case "TIME_MILLIS":
      return { of: "time", perSecond: 1e3 };
    case "TIME_MICROS":
      return { of: "time", perSecond: 1e6 };
    case "TIMESTAMP_MILLIS":
      return { of: "timestamp", perSecond: 1e3, utc: true };
    case "TIMESTAMP_MICROS":
      return { of: "timestamp", perSecond: 1e6, utc: true };
    case "BSON":
    case "INTERVAL":
      return undefined;
    default:
  }
  switch (type) {
    case "BOOLEAN":
      return { of: "boolean" };
    case "INT32":
    case "FLOAT":
    case "DOUBLE":
      return { of: "number" };
    case "INT64":
      return { of: "integer", unsigned: converted === "UINT_64" };
    case "INT96":
      return { of: "timestamp", perSecond: 1e9, utc: false };
    // What older programs wrote texts as.
    case "BYTE_ARRAY":
      return { of: "text" };
    default:
      return undefined;
  }
}

function isUnsigned32({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  if (type !== "INT32") return false;
  return logical?.type === "INTEGER" ? !logical.isSigned : converted === "UINT_32";
}
