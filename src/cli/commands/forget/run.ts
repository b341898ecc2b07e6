import { ModelError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { ModelGroup } from "../../../linear/model/model-group.js";
import { forgetGroupsSteps } from "../../../linear/shards/forget-groups.js";
import { forgetRowsSteps } from "../../../linear/shards/forget-rows.js";
import { withPauses } from "../../../parallel/with-pauses.js";
import { changing } from "../../program/in-place.js";
import { keepRobust } from "../../program/keep-robust.js";
import { rowsOf } from "../../render/group-report.js";
import { reportSteps } from "../../render/model-report.js";
import { count, significant } from "../../render/numbers.js";
import { presentGroups } from "../../render/present-groups.js";
import { type PresentOptions, presentModel } from "../../render/present-model.js";

/** The options of `goml forget`, as commander gives them. */
export interface ForgetOptions extends PresentOptions {
  vcov?: "iid";
  again?: boolean;
  trust?: boolean;
}

/** `goml forget`: takes the rows of a shard out of a model again. */
export async function forget(
  path: string,
  options: ForgetOptions,
  signal: AbortSignal,
  [, shardPath]: readonly string[],
): Promise<number> {
  const output = options.model ?? options.output;
  refuseOverwriting(
    [{ path: output ?? path, what: "what is left" }],
    [{ path: shardPath, what: "the shard" }],
  );
  return changing(path, output, signal, async ({ target, inPlace, check }) => {
    const model = await readAnyModel(path, { trust: options.trust, signal });
    const shard = await readAnyModel(shardPath!, { trust: options.trust, signal });
    if (model instanceof ModelGroup || shard instanceof ModelGroup) {
      if (!(model instanceof ModelGroup && shard instanceof ModelGroup))
        throw new ModelError(
          `${path} and ${shardPath} do not fit together: one holds models by group, the other one model`,
          { hint: "train the shards with the same options" },
        );
      const steps = forgetGroupsSteps({ name: path, model }, { name: shardPath!, model: shard });
      const { models, gone, digitsLost, digitsLeft, notes } = await withPauses(steps, { signal });
      const [taken, before] = [rowsOf(shard), rowsOf(model)];
      const none = gone.length > 0 ? `; no rows are left of ${gone.slice(0, 10).join(", ")}` : "";
      await presentGroups(
        "forget",
        models,
        { ...options, model: target },
        {
          signal,
          check,
          notes,
          before: `${count(taken)} rows of ${shardPath} taken out of ${count(before)}, ${costOf(digitsLost, digitsLeft)}${none}\n\n`,
          extra: { forgotten: { path: shardPath, n: taken, digitsLost, digitsLeft, gone } },
        },
      );
      return 0;
    }
    if (inPlace) keepRobust(model, path, "forget", options.vcov);
    const asked = options.vcov === "iid" ? model.withKeptMeat(undefined) : model;
    const steps = forgetRowsSteps(
      { name: path, model: asked },
      { name: shardPath!, model: shard },
      { again: options.again },
    );
    const rest = await withPauses(steps, { signal });
    if (inPlace) keepRobust(model, path, "forget", options.vcov, rest.model);
    const { digitsLost, digitsLeft } = rest;
    const accuracy = costOf(digitsLost, digitsLeft);
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

/** What taking rows away has cost, as words. */
function costOf(digitsLost: number, digitsLeft: number): string {
  return digitsLeft >= 16
    ? "at no cost to accuracy"
    : `at the cost of about ${significant(digitsLost, 2)} of 16 digits of the sums`;
}
