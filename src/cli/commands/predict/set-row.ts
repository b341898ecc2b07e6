import { bytesSource } from "../../../csv/open-source.js";
import type { ReadingOptions } from "../../../csv/reading-options.js";
import type { Source } from "../../../csv/source.js";
import { quoteField } from "../../../csv/write.js";
import { nearestName } from "../../../dataset/nearest.js";
import { UsageError } from "../../../errors.js";
import { LinearModel } from "../../../linear/model/model.js";
import type { ModelGroup } from "../../../linear/model/model-group.js";

/** What is said of a file's writing, and is not that of the values of `--set`. */
export const AS_SET: ReadingOptions = {
  delimiter: ",",
  header: true,
  skipRows: 0,
  encoding: "utf-8",
};

/** The row of `--set` as a CSV of one row: it is read as a cell of a file is, decimal commas and all. @throws UsageError beside files */
export function rowOfSet(values: Readonly<Record<string, string>>, data: readonly string[]): Source {
  if (data.length > 0)
    throw new UsageError(`--set gives a row of its own, and ${data[0]} others`, {
      hint: "leave one of them out",
    });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = [Object.keys(values).map((name) => quoteField(name, ",")), Object.values(values).map(quoted)];
  return bytesSource(
    new TextEncoder().encode(`${lines.map((cells) => cells.join(",")).join("\n")}\n`),
    "--set",
  );
}

/** @throws UsageError for a column that the model does not read */
export function checkSet(values: Readonly<Record<string, string>>, model: LinearModel | ModelGroup): void {
  const { numeric, text } = model.spec;
  const { columns } = model.records;
  const known = columns.map(({ name }) => name);
  // The groups of conformal intervals need be no column of a term.
  const groups = model instanceof LinearModel ? model.conformal?.by : undefined;
  const others = [...numeric, ...text, model.weightsColumn, model.reading?.id, groups];
  const stranger = Object.keys(values).find((given) => {
    const name = given.normalize("NFC");
    return !known.includes(name) && !others.includes(name);
  });
  if (stranger === undefined) return;
  const nearest = nearestName(stranger, known);
  throw new UsageError(`--set ${stranger}=…: the model reads no column ${JSON.stringify(stranger)}`, {
    hint: nearest === undefined ? `it reads ${known.slice(0, 20).join(", ")}` : `did you mean ${nearest}?`,
  });
}
