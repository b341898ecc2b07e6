import { basename } from "node:path";
import { writeFileAtomic } from "../../csv/write.js";
import { UsageError } from "../../errors.js";
import { tableHtml } from "../../tables/html.js";
import { tableLatex } from "../../tables/latex.js";
import { tableMarkdown } from "../../tables/markdown.js";
import {
  type RegressionTable,
  type RegressionTableOptions,
  regressionTable,
  type TableModel,
} from "../../tables/regression-table.js";
import { type SetTable, type Setting, setTable } from "../../tables/set-table.js";
import { glanceCsv, tableCsv, tidyCsv } from "../../tables/tidy.js";
import { version } from "../../version.js";
import { printError } from "./print.js";
import { renderNotes } from "./summary.js";
import { vcovDocument } from "./summary-document.js";
import type { TableFormat } from "./table-formats.js";

/** What a table of models says, how it is set, and its heading. */
export interface ModelTableOptions extends RegressionTableOptions {
  setting?: Setting;
  title?: string | undefined;
}

/** Standard errors beneath, stars, and three digits of each standard error. */
const USUAL: Setting = { beneath: "se", stars: true, digits: 3 };

/** More models than this are no table that anybody reads. */
const MOST_MODELS = 50;

/** @throws UsageError where so many models are to stand side by side that nobody would read them */
export function refuseTooMany(count: number, format: TableFormat): void {
  if (count <= MOST_MODELS || format === "tidy" || format === "glance") return;
  throw new UsageError(`${count} models side by side are no table`, {
    hint: "--format tidy or glance writes any number of them one below another",
  });
}

/** What a model is called in a table: its file's name. */
export function modelName(path: string): string {
  return basename(path).replace(/(\.model)?\.json(\.gz)?$/, "");
}

/** Prints models in place of their summary; what is to be said of them stands before it, on standard error. */
export async function printModelTable(
  models: readonly TableModel[],
  format: TableFormat,
  { level, notes }: { level: number; notes: readonly string[] },
): Promise<void> {
  if (notes.length > 0) printError(`${renderNotes(notes).join("\n")}`);
  await writeFileAtomic("-", [...modelTable(models, format, { level })].join(""));
}

/** A table of models in a format, piece by piece; `text` sets it for a terminal. */
export function* modelTable(
  models: readonly TableModel[],
  format: TableFormat,
  options: ModelTableOptions & { text?: (table: SetTable) => string },
): Generator<string, void, void> {
  const { title, setting = USUAL, level = 0.95, text } = options;
  if (format === "tidy") return yield* tidyCsv(models, level);
  if (format === "glance") return yield* glanceCsv(models);
  const table = regressionTable(models, options);
  if (format === "csv") return yield* tableCsv(table);
  if (format === "json") return yield `${JSON.stringify(tableDocument(models, table), null, 2)}\n`;
  const set = setTable(table, setting);
  if (format === "markdown") yield tableMarkdown(set, title);
  else if (format === "latex") yield tableLatex(set, title);
  else if (format === "html") yield tableHtml(set, title);
  else yield text!(set);
}

/** The JSON of a table; numbers that are not finite become null. */
function tableDocument(models: readonly TableModel[], table: RegressionTable) {
  const { level, notes } = table;
  return {
    goml: version,
    command: "table",
    level,
    models: models.map(({ name, model }, i) => ({
      name,
      target: model.target,
      vcov: vcovDocument(model),
      about: Object.fromEntries([...table.effects, ...table.about].map(({ label, of }) => [label, of[i]])),
      statistics: Object.fromEntries(table.statistics.map(({ name: statistic, of }) => [statistic, of[i]])),
      coefficients: table.coefficients.flatMap(({ label, of }) =>
        of[i] === undefined ? [] : [{ ...of[i], label }],
      ),
    })),
    notes,
  };
}
