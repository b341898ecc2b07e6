import type { ModelGroup } from "../../../linear/model/model-group.js";
import {
  crossValidateGroupsSteps,
  type GroupsCrossValidation,
} from "../../../linear/selection/cross-validate-groups.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { groupsCrossValidationPage } from "../../../report/cv-page.js";
import { version } from "../../../version.js";
import { sayWritten, writePage } from "../../program/write-page.js";
import { colour } from "../../render/colour.js";
import { moreLines, shownOf } from "../../render/long-list.js";
import { alignedDecimals, count, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { renderTable, setLines } from "../../render/table.js";

/** `goml cv` of models by group: a line for each, and the error over the rows of all. */
export async function cvOfGroups(
  path: string,
  { model, notes }: { model: ModelGroup; notes: string[] },
  { json, report }: { json?: boolean; report?: string },
  signal: AbortSignal,
): Promise<number> {
  const found = await withPauses(crossValidateGroupsSteps(model), { signal });
  if (report !== undefined) {
    const { target, groupBy, spec, scan } = model;
    const page = groupsCrossValidationPage({ target, groupBy, formula: spec.formula }, found, {
      path,
      split: scan === undefined ? "folds of the model" : `folds of the model, seed ${scan.seed}`,
      notes,
      made: [["goml", version]],
    });
    sayWritten(report, await writePage(report, page));
  }
  if (json) {
    const document = {
      ...documentOf(path, model, found),
      ...(notes.length > 0 ? { notes } : {}),
    };
    print(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const remarks = renderNotes(notes).map((line) => `${line}\n`);
    print(`${remarks.join("")}${render(model, found)}`);
  }
  return 0;
}

function documentOf(path: string, models: ModelGroup, found: GroupsCrossValidation) {
  const { groups, without, ...overall } = found;
  return {
    goml: version,
    command: "cv",
    data: { path, n: overall.n, seed: models.scan?.seed, foldBy: models.scan?.foldBy },
    model: { target: models.target, groupBy: models.groupBy, groups: models.models.size },
    cv: overall,
    groups: Array.from(groups, ([group, { folds, ...own }]) => ({
      group,
      n: folds.reduce((sum, { n }) => sum + n, 0),
      folds: folds.length,
      ...own,
    })),
    ...(without.length === 0 ? {} : { without }),
  };
}

function render(models: ModelGroup, found: GroupsCrossValidation): string {
  const { groups, without, n, mse, rmse, r2 } = found;
  const shown = shownOf([...groups]);
  const [rmses, mses, r2s] = [
    alignedDecimals(shown.map(([, cv]) => cv.rmse)),
    alignedDecimals(shown.map(([, cv]) => cv.mse)),
    alignedDecimals(shown.map(([, cv]) => cv.r2)),
  ];
  const rows = shown.map(([group, { folds }], i) => {
    const own = folds.reduce((sum, fold) => sum + fold.n, 0);
    return [group, count(own), String(folds.length), mses[i]!, rmses[i]!, r2s[i]!];
  });
  const titles = [models.groupBy, "rows", "folds", "MSE", "RMSE", "R²"];
  const leftOut = [...groups.values()].filter((cv) => cv.leftOut > 0).length;
  const lines = [
    `${colour.bold(models.target)} by ${models.groupBy}, ${count(groups.size)} models cross-validated`,
    "",
    renderTable({ titles, rows, align: ["left", "right", "right", "right", "right", "right"] }),
    ...moreLines(groups.size - shown.length, "groups"),
    "",
    `RMSE ${significant(rmse)}   MSE ${significant(mse)}   R² ${significant(r2)} out of fold, over ${count(n)} rows`,
  ];
  if (leftOut > 0)
    lines.push(
      colour.yellow(
        `${count(leftOut)} ${leftOut === 1 ? "group has a fold" : "groups have folds"} without an error: ` +
          "their rows need what the group's other folds cannot estimate",
      ),
    );
  if (without.length > 0) {
    const names = without.slice(0, 5).join(", ");
    const more = without.length > 5 ? ` and ${count(without.length - 5)} more` : "";
    lines.push(colour.yellow(`no two folds with rows: ${names}${more}`));
  }
  lines.push(colour.dim(`--group ${shown[0]![0]} shows the folds of one`));
  return `${setLines(lines)}\n`;
}
