import { statSync } from "node:fs";
import { writeFileAtomic } from "../../../csv/write.js";
import { GomlError, ModelError, UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { shownPath } from "../../../files/shown-path.js";
import { type JointTests, jointTestsSteps } from "../../../linear/joint/joint-tests.js";
import { writeJsonFiles } from "../../../linear/model/write-json.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import type { CsvFit } from "../../../training/fit-target.js";
import { version } from "../../../version.js";
import { targetCoefficientsCsv, targetEffectsCsv } from "../../render/coefficients-csv.js";
import { colour, screen } from "../../render/colour.js";
import { jointDocument, renderJoint } from "../../render/joint.js";
import { printModelTable } from "../../render/model-table.js";
import { print } from "../../render/print.js";
import { renderNotes, renderSummary } from "../../render/summary.js";
import { summaryDocument } from "../../render/summary-document.js";
import type { TrainOptions } from "./options.js";

/** Joint tests of more columns than these take long, and are made when they are asked for. */
const MOST_COLUMNS = 300;

/** Characters of a target's name in the name of its file. */
const MOST_NAME = 60;

/**
 * A path for each of several targets, `model.json` being `model.a.json` for the target a: what is no letter, digit, `_`, `.` or `-` of a
 * name becomes `-`, and names that are then alike get numbers. A device takes all.
 */
export function targetPaths(path: string, targets: readonly string[]): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return targets.map(() => path);
  const [, stem = path, ending = ""] = /^(.*?[^/\\])((?:\.model)?\.[^./\\]+(?:\.gz)?)?$/s.exec(path) ?? [];
  const taken = new Set<string>();
  return targets.map((target) => {
    const name = target
      .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "-")
      .replace(/^[-.]+|[-.]+$/g, "")
      .slice(0, MOST_NAME);
    const own = name === "" ? "target" : name;
    let free = own;
    // Some file systems do not tell capitals from small letters.
    for (let i = 2; taken.has(free.toLowerCase()); i++) free = `${own}-${i}`;
    taken.add(free.toLowerCase());
    return `${stem}.${free}${ending}`;
  });
}

/** Writes the models of several targets, all or none, and prints what was asked for. */
export async function tellTargets(
  data: readonly string[],
  options: TrainOptions,
  { fits, notes: ofFit }: { fits: readonly CsvFit[]; notes: readonly string[] },
  signal: AbortSignal,
): Promise<number> {
  const models = fits.map(({ model }) => model);
  const [first] = models;
  const names = models.map(({ target }) => target);
  if (options.model === "-")
    throw new UsageError(`${names.join(", ")} are several models, and standard output takes one`, {
      hint: "name a file with --model: it gets the name of each target",
    });
  if (options.strict && first!.aliased.length > 0)
    throw new ModelError(`these terms depend linearly on terms before them: ${first!.aliased.join(", ")}`, {
      hint: "leave them out with --exclude, or train without --strict",
    });
  if (options.report !== undefined) {
    const { checkDiagnosable } = await import("../../../prediction/diagnosed-rows.js");
    checkDiagnosable(first!);
  }
  if (options.effects !== undefined && first!.absorbed === undefined)
    throw new UsageError("--effects goes with --absorb, and no effects were absorbed");
  const paths = targetPaths(options.model, names);
  refuseOverwriting(
    [
      ...paths.map((path, t) => ({ path, what: `the model of ${names[t]}` })),
      { path: options.output, what: "the table of coefficients" },
      { path: options.effects, what: "the absorbed effects" },
    ],
    data.map((path) => ({ path, what: "the data" })),
  );
  const notes = [...ofFit, ...earlierNotes(options.model, paths[0]!)];
  await writeJsonFiles(
    models.map((model, t) => ({ path: paths[t]!, value: model.document() })),
    { signal, threads: options.threads },
  );
  if (options.output !== undefined)
    await writeFileAtomic(options.output, targetCoefficientsCsv(models, options.level));
  if (options.effects !== undefined) await writeFileAtomic(options.effects, targetEffectsCsv(models));
  if (options.quiet) return 0;
  /** A fit with the remarks that are its own. */
  const own = (fit: CsvFit): CsvFit => ({ ...fit, notes: fit.notes.slice(ofFit.length) });
  if (options.format !== undefined) {
    const all = models.map((model) => ({ name: model.target, model }));
    const theirs = fits.flatMap((fit) => own(fit).notes.map((note) => `${fit.model.target}: ${note}`));
    await printModelTable(all, options.format, { level: options.level, notes: [...notes, ...theirs] });
    return 0;
  }
  const joint = await jointOf(fits, signal);
  if (options.json) {
    const path = data.map(shownPath).join(" ");
    const targets = fits.map((fit, t) => summaryDocument(own(fit), { ...options, model: paths[t], path }));
    const { timing, ...rest } = targets[0]!;
    const document = {
      data: rest.data,
      targets: targets.map(({ data: _, timing: __, ...one }) => one),
      ...(typeof joint === "string" ? {} : { joint: jointDocument(joint) }),
      notes: [...notes, ...(typeof joint === "string" ? [joint] : [])],
      timing: fits.at(-1)!.timing ?? timing,
    };
    print(`${JSON.stringify({ goml: version, command: "train", ...document }, null, 2)}\n`);
    return 0;
  }
  const parts = fits.map((fit, t) => {
    const last = t === fits.length - 1;
    const { timing, ...untimed } = own(fit);
    return renderSummary(
      last ? { ...untimed, timing } : untimed,
      { ...options, model: undefined },
      screen.columns,
    );
  });
  const lines = [
    ...renderNotes(notes),
    ...parts,
    ...(typeof joint === "string"
      ? renderNotes([joint])
      : [
          `${colour.bold("Joint tests")} of ${names.join(", ")}, terms in sequence`,
          "",
          renderJoint(joint, "pillai"),
          "",
          colour.dim(`goml anova ${paths[0]} --test wilks: by other statistics, and other hypotheses`),
        ]),
    colour.dim(`models written to ${paths.join(", ")}`),
  ];
  print(`${lines.join("\n")}\n`);
  return 0;
}

/** Commands that are given no model would read an earlier one that stands where a single target's would. */
function earlierNotes(path: string, first: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return [];
  return [
    `${shownPath(path)} is of an earlier fit and stays as it is: commands that are given no model read it, not ${shownPath(first)}`,
  ];
}

/** The joint tests of some fits, or why there are none. */
async function jointOf(fits: readonly CsvFit[], signal: AbortSignal): Promise<JointTests | string> {
  const [{ model }] = fits as readonly [CsvFit];
  if (model.terms.length > MOST_COLUMNS)
    return `joint tests of ${model.terms.length} columns are made when they are asked for: goml anova --test pillai`;
  try {
    return await withPauses(jointTestsSteps(model), { signal });
  } catch (error) {
    if (!(error instanceof GomlError) || signal.aborted) throw error;
    return `no joint tests: ${error.message}`;
  }
}
