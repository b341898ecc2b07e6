import { numberFormat } from "../csv/number-format.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { parseCondition, parseFormula } from "../dataset/formula/parse.js";
import type { Syntax } from "../dataset/formula/syntax.js";
import type { Column } from "../dataset/schema.js";
import { TYPED_DIALECT } from "../sources/typed-dialect.js";
import type { FitCsvOptions } from "./fit-options.js";

/** A table of which nothing is known but its columns. */
export function namedTable(source: Source, columns: readonly Column[], options: ReadingOptions): Table {
  return {
    source,
    dialect: TYPED_DIALECT,
    format: numberFormat(options),
    columns,
    dataStart: 0,
    dataLine: 0,
    headerText: "",
    sample: [],
    whole: false,
    notes: [],
  };
}

/** The columns that options name, of text where they say so, else of numbers. */
export function columnsNamed(options: FitCsvOptions): Column[] {
  const { target, features = [], absorb = [], weights, foldBy, text = [], formula, where } = options;
  const parsed = formula === undefined ? undefined : parseFormula(formula.normalize("NFC"));
  const sides = [parsed?.response, parsed?.terms];
  const names = [
    ...sides.flatMap((side) => (side === undefined ? [] : namesIn(side))),
    ...(where === undefined ? [] : namesIn(parseCondition(where.normalize("NFC")))),
    ...features,
    ...absorb,
    ...text,
    ...[weights, foldBy, target].filter((name) => name !== undefined),
  ].map((name) => name.normalize("NFC"));
  const texts = new Set(text.map((name) => name.normalize("NFC")));
  return [...new Set(names)].map((name) => ({ name, kind: texts.has(name) ? "text" : "numeric" }));
}

function namesIn(node: Syntax): string[] {
  if (node.type === "name") return node.name === "." ? [] : [node.name];
  return node.type === "call" ? node.args.flatMap(({ value }) => namesIn(value)) : [];
}
