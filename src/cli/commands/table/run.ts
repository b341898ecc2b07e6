import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { STATISTIC_NAMES, type StatisticName, type TableModel } from "../../../tables/regression-table.js";
import type { Beneath } from "../../../tables/set-table.js";
import { type GroupOption, oneOfGroups } from "../../program/one-of-groups.js";
import { modelName, modelTable, refuseTooMany } from "../../render/model-table.js";
import { print } from "../../render/print.js";
import type { TableFormat } from "../../render/table-formats.js";
import { tableText } from "./text.js";

/** The options of `goml table`, as commander gives them. */
export interface TableFlags extends GroupOption {
  format?: TableFormat;
  output?: string;
  names?: string[];
  labels?: string;
  keep?: string[];
  drop?: string[];
  beneath: Beneath;
  stars: boolean;
  digits: number;
  statistics?: string[];
  title?: string;
  level: number;
  trust?: boolean;
  json?: boolean;
}

/** The most digits that a double has. */
const MOST_DIGITS = 15;

/** `goml table`: models side by side. */
export async function table(
  paths: readonly string[],
  options: TableFlags,
  signal: AbortSignal,
): Promise<number> {
  const { output, title, digits, beneath, stars, level } = options;
  const format = formatOf(options);
  if (digits > MOST_DIGITS) throw new UsageError(`--digits goes up to ${MOST_DIGITS}, got ${digits}`);
  refuseOverwriting(
    [{ path: output, what: "the table" }],
    paths.map((path) => ({ path, what: "a model that is read" })),
  );
  const labels = options.labels === undefined ? {} : await readLabels(options.labels);
  const patterns = { keep: expressions("keep", options.keep), drop: expressions("drop", options.drop) };
  const models = await readModels(paths, options, signal);
  refuseTooMany(models.length, format);
  refuseVainPatterns(models, patterns);
  const told = { ...patterns, labels, level, title, setting: { beneath, stars, digits } };
  const text = modelTable(models, format, {
    ...told,
    statistics: statisticNames(options.statistics),
    text: (set) => tableText(set, title),
  });
  const whole = [...text].join("");
  if (output !== undefined) await writeFileAtomic(output, whole);
  else if (format === "text") print(whole);
  else await writeFileAtomic("-", whole);
  return 0;
}

const ENDINGS: Readonly<Record<string, TableFormat>> = {
  md: "markdown",
  markdown: "markdown",
  tex: "latex",
  html: "html",
  htm: "html",
  csv: "csv",
  json: "json",
  txt: "text",
};

/** The format that is asked for, or by the ending of the file's name. */
function formatOf({ format, json, output }: TableFlags): TableFormat {
  if (json && format !== undefined && format !== "json")
    throw new UsageError(`--json does not go with --format ${format}`);
  if (json) return "json";
  if (format !== undefined) return format;
  const ending = output === undefined ? undefined : /\.([^./\\]+)$/.exec(output)?.[1]?.toLowerCase();
  return ENDINGS[ending ?? ""] ?? "text";
}

/** The models of all files, each under a name of its own. */
async function readModels(
  paths: readonly string[],
  { names, group, trust }: TableFlags,
  signal: AbortSignal,
): Promise<TableModel[]> {
  const models: TableModel[] = [];
  const plain = paths.map(modelName);
  const own = plain.map((name, i) => (plain.indexOf(name) === plain.lastIndexOf(name) ? name : paths[i]!));
  for (const [i, path] of paths.entries()) {
    const found = await readAnyModel(path, { trust, signal });
    if (found instanceof ModelGroup && group === undefined)
      for (const [name, model] of found.models)
        models.push({ name: paths.length === 1 ? name : `${own[i]}: ${name}`, model });
    else models.push({ name: own[i]!, model: oneOfGroups(found, path, group) });
  }
  if (names === undefined) return models;
  if (names.length !== models.length)
    throw new UsageError(`--names has ${names.length}, and there are ${models.length} models`);
  return models.map(({ model }, i) => ({ name: names[i]!, model }));
}

/** Labels by name, from a JSON object of texts. */
async function readLabels(path: string): Promise<Record<string, string>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UsageError(`cannot read the labels ${path}: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    });
  }
  let labels: unknown;
  try {
    if (!isUtf8(bytes)) throw new Error("it is not UTF-8");
    labels = JSON.parse(bytes.toString("utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(`${path} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const entries = labels !== null && typeof labels === "object" && !Array.isArray(labels);
  const wrong = entries
    ? Object.entries(labels as object).find(([, text]) => typeof text !== "string")
    : [""];
  if (wrong !== undefined)
    throw new UsageError(
      wrong[0] === "" ? `${path} does not hold labels` : `${path}: the label of ${wrong[0]} is no text`,
      { hint: 'expected {"term": "label", …}' },
    );
  return labels as Record<string, string>;
}

/** Regular expressions of an option. */
function expressions(option: string, patterns: readonly string[] | undefined): RegExp[] | undefined {
  return patterns?.map((pattern) => {
    try {
      return new RegExp(pattern, "u");
    } catch (error) {
      throw new UsageError(`--${option} ${pattern}: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** A pattern that matches no term is a slip of the pen. */
function refuseVainPatterns(
  models: readonly TableModel[],
  patterns: Record<"keep" | "drop", readonly RegExp[] | undefined>,
): void {
  for (const [option, all = []] of Object.entries(patterns))
    for (const pattern of all)
      if (!models.some(({ model }) => model.coefficientNames.some((name) => pattern.test(name))))
        throw new UsageError(`--${option} ${pattern.source} matches no term`, {
          hint: `a term is called ${models[0]!.model.coefficientNames.at(-1)}`,
        });
}

function statisticNames(names: readonly string[] | undefined): StatisticName[] | undefined {
  const all: readonly string[] = STATISTIC_NAMES;
  const unknown = names?.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--statistics: there is no ${unknown}`, { hint: `expected of ${all.join(", ")}` });
  return names as StatisticName[] | undefined;
}
