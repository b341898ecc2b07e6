import { readModel } from "../../../linear/model/model-file.js";
import { forgetRowsSteps } from "../../../linear/shards/forget-rows.js";
import { withPauses } from "../../../parallel/steps.js";
import { reportSteps } from "../../render/model-report.js";
import { count, significant } from "../../render/numbers.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** `goml forget`: takes the rows of a shard out of a model again. */
export async function forget(
  path: string,
  options: PresentOptions,
  signal: AbortSignal,
  [, shardPath]: readonly string[],
): Promise<number> {
  const [model, shard] = await Promise.all([readModel(path), readModel(shardPath!)]);
  const steps = forgetRowsSteps({ name: path, model }, { name: shardPath!, model: shard });
  const rest = await withPauses(steps, { signal });
  const { digitsLost, digitsLeft } = rest;
  const written = { ...options, model: options.model ?? options.output ?? path };
  const accuracy =
    digitsLeft >= 16
      ? "at no cost to accuracy"
      : `at the cost of about ${significant(digitsLost, 2)} of 16 digits of the sums`;
  const report = await withPauses(reportSteps(rest.model, rest.notes), { signal });
  await presentModel("forget", report, written, {
    before: `${count(shard.n)} rows of ${shardPath} taken out of ${count(model.n)}, ${accuracy}\n\n`,
    extra: { forgotten: { path: shardPath, n: shard.n, digitsLost, digitsLeft } },
  });
  return 0;
}
