import { refuseOverwriting } from "../../../files/same-file.js";
import { readModel } from "../../../linear/model/model-file.js";
import { forgetRowsSteps } from "../../../linear/shards/forget-rows.js";
import { withPauses } from "../../../parallel/steps.js";
import { changing } from "../../program/in-place.js";
import { keepRobust } from "../../program/keep-robust.js";
import { reportSteps } from "../../render/model-report.js";
import { count, significant } from "../../render/numbers.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml forget`, as commander gives them. */
export interface ForgetOptions extends PresentOptions {
  vcov?: "iid";
  trust?: boolean;
}

/** `goml forget`: takes the rows of a shard out of a model again. */
export async function forget(
  path: string,
  options: ForgetOptions,
  signal: AbortSignal,
  [, shardPath]: readonly string[],
): Promise<number> {
  const asked = options.model ?? options.output;
  refuseOverwriting(
    [{ path: asked ?? path, what: "what is left" }],
    [{ path: shardPath, what: "the shard" }],
  );
  return changing(path, asked, signal, async ({ target, inPlace, check }) => {
    const model = await readModel(path, { trust: options.trust, signal });
    const shard = await readModel(shardPath!, { trust: options.trust, signal });
    if (inPlace) keepRobust(model, path, "forget", options.vcov);
    const steps = forgetRowsSteps({ name: path, model }, { name: shardPath!, model: shard });
    const rest = await withPauses(steps, { signal });
    const { digitsLost, digitsLeft } = rest;
    const accuracy =
      digitsLeft >= 16
        ? "at no cost to accuracy"
        : `at the cost of about ${significant(digitsLost, 2)} of 16 digits of the sums`;
    const report = await withPauses(reportSteps(rest.model, rest.notes), { signal });
    await presentModel(
      "forget",
      report,
      { ...options, model: target },
      {
        signal,
        check,
        inPlace,
        before: `${count(shard.n)} rows of ${shardPath} taken out of ${count(model.n)}, ${accuracy}\n\n`,
        extra: { forgotten: { path: shardPath, n: shard.n, digitsLost, digitsLeft } },
      },
    );
    return 0;
  });
}
