import { readingFor } from "../csv/kept-reading.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import { ofModel } from "../csv/table.js";
import { ModelError } from "../errors.js";
import { refuseOverwriting } from "../files/same-file.js";
import { refuseInstruments } from "../linear/instruments/check-instruments.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { GroupPredictorPlan } from "../linear/model/group-predictor.js";
import { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import type { DrawPlan } from "../scan/row-draw.js";
import { namesOf, readTables } from "../sources/tables.js";
import { withModelLags } from "../training/model-lags.js";
import { checkOrder } from "./check-order.js";
import { knownEffectsSteps } from "./known-effects.js";
import { matchColumns } from "./match-columns.js";
import { isOwnFile, isTrainedOn } from "./own-file.js";

/** Options of `diagnoseCsv`; all may be left out. */
export interface DiagnoseCsvOptions extends ReadingOptions, ReadingControl {
  /** Where to write the measures of every row, as CSV. Default: nowhere. */
  output?: string | undefined;
  /** Whether the input's own columns come before them. */
  append?: boolean | undefined;
  /** Whether, kept, texts that spreadsheets take for formulas are written behind an apostrophe. Default: false. */
  excelSafe?: boolean | undefined;
  /**
   * Whether the measures are those of R's `broom::augment`, under its names and behind the input's own columns (`append`).
   * Default: false.
   */
  augment?: boolean | undefined;
  /** Whether the file has how each row moves each coefficient (DFBETAS), and COVRATIO. Default: false. */
  dfbetas?: boolean | undefined;
  /** Whether White's test is made, which keeps all rows in memory. Default: false. */
  white?: boolean | undefined;
  /** The lags of Breusch and Godfrey's test, which keeps all rows in memory. Default: it is not made. */
  lags?: number | undefined;
  /** How many of the rows that stand out to name. Default: 10. */
  top?: number | undefined;
  /** Whether to gather what plots are made of. Default: false. */
  plots?: boolean | undefined;
  /** What becomes of rows with levels that the training data did not have. Default: `fail`. */
  unseen?: UnseenPolicy | undefined;
}

type Plan<Fitted> = Fitted extends LinearModel ? PredictorPlan : GroupPredictorPlan;

/**
 * Reads the head of what is to be diagnosed and matches its columns with the model's.
 *
 * @throws ModelError where the file lacks columns of the model, its target included
 */
export async function openRows<Fitted extends LinearModel | ModelGroup>(
  fitted: Fitted,
  sources: readonly Source[],
  options: DiagnoseCsvOptions,
) {
  refuseOverwriting(
    [{ path: options.output, what: "the rows' measures" }],
    sources.map(({ path }) => ({ path, what: "the data" })),
  );
  const sameFile = isOwnFile(fitted, sources);
  const reading = readingFor(options, fitted.reading, { sameFile, where: true });
  const read = ofModel(await readTables(sources, reading));
  const { table } = await withModelLags(fitted, read, sources, options);
  const known = table.columns.some((column) => column.name === reading.id?.normalize("NFC"));
  const id = options.id ?? (known ? reading.id : undefined);
  const { output, augment = false, append = augment, excelSafe } = options;
  if (append) checkOrder(table);
  const text =
    output === undefined
      ? undefined
      : { append, delimiter: append ? table.dialect.delimiter : ",", excelSafe, augment };
  await withPauses(knownEffectsSteps(fitted), options);
  const held = await heldOut(fitted, sources);
  const { layout, predictor } = matchColumns(fitted, table, {
    foldBy: held?.foldBy,
    text: text !== undefined && append,
    weights: true,
    // A row is one of the fit where all targets are known.
    complete: true,
    where: reading.where,
    id,
  });
  const lacks = (what: string, hint: string) =>
    new ModelError(`${namesOf(table)}: the ${what} missing or not numeric`, { hint });
  if (!predictor.target)
    throw lacks(`target ${JSON.stringify(fitted.target)} is`, "diagnose compares predictions with it");
  checkDiagnosable(fitted);
  if (fitted.weightsColumn !== undefined && layout.weight === undefined)
    throw lacks(
      `weights ${JSON.stringify(fitted.weightsColumn)} are`,
      fitted instanceof ModelGroup ? "the models were fitted with them" : "the model was fitted with them",
    );
  return { table, id, text, layout, held, predictor: predictor as Plan<Fitted> };
}

/**
 * Refuses models whose rows are not measured one by one, whatever the rows are.
 *
 * @throws ModelError for instruments, and for weights that are frequencies
 */
export function checkDiagnosable(fitted: LinearModel | ModelGroup): void {
  if (!(fitted instanceof LinearModel)) return;
  refuseInstruments(fitted, "leverages and the measures made of them");
  if (fitted.weightsKind === "frequency")
    throw new ModelError("rows that stand for several are not diagnosed one by one", {
      hint: "write each row as often as its frequency says, and train on these",
    });
}

/** Which rows of its own file a model was not fitted on. */
async function heldOut(
  { scan, source: trained }: Pick<LinearModel, "scan" | "source">,
  sources: readonly Source[],
): Promise<DrawPlan | undefined> {
  const [source] = sources;
  if (sources.length !== 1 || scan?.testSize === undefined) return undefined;
  if (!(await isTrainedOn(trained, source!))) return undefined;
  const { testSize, seed, firstRow, foldBy } = scan;
  return { testSize, seed, firstRow, foldBy };
}
