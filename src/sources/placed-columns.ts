import type { TruthOf } from "../csv/json-lines.js";
import type { NumberFormat } from "../dataset/number-format.js";
import { type Column, inferColumns } from "../dataset/schema.js";
import { DataError } from "../errors.js";
import type { ColumnFile, FileColumn } from "./column-file.js";
import type { TypedColumn } from "./column-values.js";
import { hiveColumns } from "./hive.js";
import { datesOf, isNumeric } from "./value-type.js";

/** A column of a table of files: of the files, or of the names of their folders. */
export interface Placed<Leaf> extends TypedColumn {
  readonly column: Column;
  /** By file: the leaf, or the value of the folder. */
  readonly places: readonly ({ readonly leaf: Leaf } | { readonly constant: string | undefined })[];
}

/**
 * The columns of files that are one table, in the order of the first. Folders called `name=value` are columns too, before
 * those of the files.
 *
 * @param isEmpty whether a file says that a column has no value in any row
 * @throws DataError where files have other columns than the first, or numbers where it has text
 */
export function placeColumns<Leaf extends FileColumn, File extends ColumnFile<Leaf>>(
  files: readonly File[],
  options: { format: NumberFormat; text: readonly string[]; truth: TruthOf },
  isEmpty: (leaf: Leaf, file: File) => boolean,
): Placed<Leaf>[] {
  const byFile = files.map(({ name, path, columns }) => {
    const leaves = new Map<string, Leaf>();
    for (const leaf of columns) {
      const known = leaf.name.normalize("NFC");
      if (leaves.has(known))
        throw new DataError(`two columns are called ${JSON.stringify(known)}`, { place: { file: name } });
      leaves.set(known, leaf);
    }
    const folders = new Map(
      [...hiveColumns(path ?? "")].flatMap(([key, value]) => {
        const known = key.normalize("NFC");
        return leaves.has(known) ? [] : [[known, value] as const];
      }),
    );
    return { leaves, folders };
  });
  const names = byFile.map(({ leaves, folders }) => [...folders.keys(), ...leaves.keys()]);
  files.forEach(({ name }, f) => {
    checkNames({ name: files[0]!.name, names: names[0]! }, { name, names: names[f]! });
  });
  return names[0]!.map((name) => {
    const places = byFile.map(({ leaves, folders }) => {
      const leaf = leaves.get(name);
      return leaf === undefined ? { constant: folders.get(name) } : { leaf };
    });
    const words = options.truth(name);
    const leaves = places.flatMap((place, f) =>
      "leaf" in place ? [{ leaf: place.leaf, file: files[f]! }] : [],
    );
    const [one] = leaves;
    if (one === undefined) {
      const values = places.map((place) => [("constant" in place ? place.constant : undefined) ?? ""]);
      const [column] = inferColumns([name], values, { ...options, whole: true });
      return { name, type: { of: "text" }, words, places, column: column! };
    }
    const { type } = one.leaf;
    for (const { leaf, file } of leaves)
      if (isNumeric(leaf.type) !== isNumeric(type))
        throw new DataError(
          `it holds ${isNumeric(leaf.type) ? "numbers" : "text"} here, and not in ${one.file.name}`,
          {
            place: { file: file.name, column: name },
            hint: "files that are read together have the same columns",
          },
        );
    const empty = leaves.every(({ leaf, file }) => isEmpty(leaf, file));
    return { name, type, words, places, column: columnOf(name, type, empty, options.text) };
  });
}

function checkNames(
  first: { name: string; names: readonly string[] },
  other: { name: string; names: readonly string[] },
): void {
  const missing = first.names.filter((name) => !other.names.includes(name));
  const more = other.names.filter((name) => !first.names.includes(name));
  if (missing.length === 0 && more.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(more.length > 0 ? [`it has ${more.join(", ")} besides`] : []),
  ];
  throw new DataError(`other columns than in ${first.name}: ${parts.join("; ")}`, {
    place: { file: other.name },
    hint: "files that are read together have the same columns, in any order",
  });
}

function columnOf(name: string, type: TypedColumn["type"], empty: boolean, text: readonly string[]): Column {
  if (text.includes(name)) return { name, kind: "text" };
  if (empty) return { name, kind: "empty" };
  if (isNumeric(type)) return { name, kind: "numeric" };
  const dates = datesOf(type);
  return dates === undefined ? { name, kind: "text" } : { name, kind: "text", dates };
}

/** What is to be said of columns: those left out, and decimals. */
export function columnNotes<Leaf>({ others }: ColumnFile, placed: readonly Placed<Leaf>[]): string[] {
  const decimals = placed.filter(({ type, column }) => type.of === "decimal" && column.kind === "numeric");
  return [
    ...others.map(({ name, what }) => `left out: ${name}, it is ${what}`),
    ...(decimals.length === 0
      ? []
      : [`decimals are read as the doubles nearest to them: ${decimals.map(({ name }) => name).join(", ")}`]),
  ];
}
