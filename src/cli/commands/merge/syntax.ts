import { derived, example, type Syntax } from "../../program/syntax.js";

export const mergeSyntax: Syntax = (program, run) => {
  const command = program
    .command("merge")
    .description("make one model of the models of shards, as if trained on all rows at once")
    .argument("<models...>", "two model files or more, trained with the same options")
    .option("--again", "merge models of the same rows all the same");
  derived(command)
    .action(run(async () => (await import("./run.js")).merge))
    .addHelpText(
      "after",
      `
Cross-validation folds merge fold by fold. A row's fold comes from its number in its own shard; train each shard
with --first-row (the number of its first row in the whole) for the folds of one fit to all rows.`,
    );
  example(
    command,
    "goml merge north.json south.json -m all.json",
    "goml train part2.csv --first-row 500000 -m part2.json",
  );
};
