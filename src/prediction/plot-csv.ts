import { availableParallelism } from "node:os";
import { DataError } from "../errors.js";
import { builtFile } from "../files/built-file.js";
import { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { scan } from "../scan/scan.js";
import type { ScanJob } from "../scan/scan-options.js";
import { withSources } from "../sources/tables.js";
import { type DiagnoseCsvOptions, openRows } from "./diagnosed-rows.js";
import { PlotJob, type PlotPlan, type PlotResult } from "./plot-job.js";
import { PlotRows, type PlotSums } from "./plot-rows.js";
import { type PlottedTerm, plottedTerms } from "./plotted-terms.js";

/** What the rows of a fit without leverages show. */
export interface PlottedRows {
  rows: number;
  /** Rows with a residual. */
  n: number;
  dropped: number;
  outside: number;
  excluded: number;
  heldOut: number;
  /** Whether the rows are those of the fit, by their number and residual sum of squares. */
  ofFit: boolean;
  plots: { sums: PlotSums; terms: readonly PlottedTerm[] };
}

/**
 * Gathers what plots draw of the rows of a CSV where there are no leverages: of a penalised fit, and of one that leaves no
 * residual degrees of freedom. Residuals are measured by their root mean square in the fit. In one pass.
 *
 * @throws as `diagnoseCsv`
 */
export async function plotCsv(
  model: LinearModel | ModelGroup,
  data: string | readonly string[],
  options: DiagnoseCsvOptions = {},
): Promise<PlottedRows> {
  return withSources(data, options.signal, async (sources) => {
    const { table, id, layout, held: draw, predictor } = await openRows(model, sources, options);
    const one = model instanceof LinearModel ? model : undefined;
    const terms = one === undefined || one.absorbed !== undefined ? [] : plottedTerms(one).terms;
    const plan: PlotPlan = {
      predictor,
      rms: one === undefined ? Number.NaN : Math.sqrt(one.rss / one.n),
      terms,
      held: draw,
      unseen: options.unseen ?? "fail",
      named: id !== undefined,
    };
    const plots = new PlotRows(terms.length);
    let [rows, held, outside, rss] = [0, 0, 0, 0];
    const job: ScanJob<PlotPlan, PlotResult> = {
      plan,
      create: (view) => new PlotJob(view, plan),
      entry: builtFile("bundle/plot-worker.js"),
      collect: (chunk) => {
        rows += chunk.rows;
        held += chunk.heldOut;
        outside += chunk.outside.rows;
        rss += chunk.rss;
        plots.merge(chunk.plots);
      },
    };
    const { signal, onProgress, callerWorks, threads = availableParallelism() } = options;
    const control = { threads, callerWorks, window: 4 * threads, signal, onProgress };
    const { excluded } = await scan(table, layout, job, control);
    const sums = plots.take();
    if (sums.n === 0)
      throw new DataError(`no row is complete: each of ${rows} has a missing cell`, {
        place: { file: table.source.name },
      });
    return {
      rows: rows + excluded,
      n: sums.n,
      dropped: rows - held - sums.n - outside,
      outside,
      excluded,
      heldOut: held,
      ofFit: one !== undefined && sums.n === one.n && Math.abs(rss - one.rss) <= 1e-6 * one.rss,
      plots: { sums, terms },
    };
  });
}
