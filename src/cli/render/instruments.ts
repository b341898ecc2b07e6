import type { AndersonRubinSet } from "../../linear/instruments/anderson-rubin.js";
import { ESTIMATOR_NAMES } from "../../linear/instruments/check-instruments.js";
import type { FTest } from "../../linear/instruments/first-stage.js";
import type { LinearModel } from "../../linear/model/model.js";
import { firstOf } from "./long-list.js";
import { pValue, significant } from "./numbers.js";
import { renderTable } from "./table.js";

/** How an equation with instruments was estimated, and from which. */
export function equationText(model: LinearModel): string[] {
  const { instruments } = model;
  if (instruments === undefined) return [];
  const { kappa, endogenous, excluded } = model.instrumentTests()!;
  const { estimator, fuller } = instruments;
  const how = estimator === "2sls" || estimator === "gmm" ? "" : `, κ ${significant(kappa)}`;
  const name = `${ESTIMATOR_NAMES[estimator]}${fuller === undefined ? "" : ` (α = ${fuller})`}${how}`;
  return [`${name}: ${firstOf(endogenous)} instrumented by ${firstOf(excluded)}`];
}

/** The table of the tests of instruments. */
export function instrumentLines(model: LinearModel, level: number, columns: number): string[] {
  const tests = model.instrumentTests(level);
  if (tests === undefined) return [];
  const rows: string[][] = [];
  const add = (name: string, { f, df1, df2, p }: FTest, rest = "") =>
    rows.push([name, `F ${significant(f)}`, `${df1} and ${df2}`, pValue(p), rest]);
  tests.firstStages.forEach((stage, i) => {
    add(`first stage, ${tests.endogenous[i]}`, stage, `partial R² ${significant(stage.partialR2, 4)}`);
  });
  const { effectiveF, overidentification, andersonRubin } = tests;
  if (effectiveF !== undefined)
    rows.push([
      "weak instruments",
      `effective F ${significant(effectiveF.f)}`,
      "",
      "",
      `critical value ${significant(effectiveF.criticalValue, 4)}`,
    ]);
  if (tests.endogenous.length > 1)
    rows.push(["weak instruments", `Cragg–Donald F ${significant(tests.craggDonald)}`, "", "", ""]);
  if (tests.kleibergenPaap !== undefined) add("weak instruments (Kleibergen–Paap)", tests.kleibergenPaap);
  add("endogeneity (Wu–Hausman)", tests.wuHausman);
  if (overidentification === undefined)
    rows.push(["overidentification", "none: just identified", "", "", ""]);
  else {
    const { test, statistic, df, p } = overidentification;
    rows.push([`overidentification (${test})`, `χ² ${significant(statistic)}`, String(df), pValue(p), ""]);
  }
  add("Anderson–Rubin, slopes 0", andersonRubin);
  const lines = [
    "",
    renderTable(
      {
        titles: ["instruments", "statistic", "DF", "p", ""],
        rows,
        align: ["left", "left", "left", "left", "left"],
      },
      columns,
    ),
  ];
  if (andersonRubin.set !== undefined)
    lines.push(
      `Anderson–Rubin ${significant(100 * level, 4)} % set of ${tests.endogenous[0]}: ${setText(andersonRubin.set)}`,
    );
  return [...lines, ""];
}

function setText({ shape, parts }: AndersonRubinSet): string {
  const text = parts
    .map(([lower, upper]) => {
      const left = lower === Number.NEGATIVE_INFINITY ? "(−∞" : `[${significant(lower)}`;
      return `${left}, ${upper === Number.POSITIVE_INFINITY ? "∞)" : `${significant(upper)}]`}`;
    })
    .join(" and ");
  if (shape === "empty") return "empty: every slope is rejected, as the instruments are not valid together";
  if (shape === "unbounded") return `${text}, unbounded: the instruments tell nothing of it`;
  return shape === "disjoint" ? `${text}, unbounded and in two parts` : text;
}

/** The instruments of a model as `train --json` has them; null for what has no end. */
export function instrumentsDocument(model: LinearModel, level: number) {
  const { estimator, fuller } = model.instruments!;
  const { overidentification, ...tests } = model.instrumentTests(level)!;
  return {
    estimator,
    ...(fuller === undefined ? {} : { fuller }),
    ...tests,
    overidentification: overidentification ?? null,
  };
}
