import { derived, example, type Syntax } from "../../program/syntax.js";

export const mergeSyntax: Syntax = (program, run) => {
  const command = program
    .command("merge")
    .description("make one model of the models of shards, as if trained on all rows at once")
    .argument(
      "<models...>",
      "two model files or more, trained with the same options; a folder of them (*.json); - is a list on standard input",
    )
    .option("--again", "merge models of the same rows all the same")
    .option(
      "--meats",
      "the first is the model of all shards, the others are their meats: robust errors of all (goml meat)",
    )
    .option("--partial", "merge numbered shards though some are missing");
  derived(command)
    .action(run(async () => (await import("./run.js")).merge))
    .addHelpText(
      "after",
      `
Cross-validation folds merge fold by fold. A row's fold comes from its number in its own shard; train each shard
with --first-row (the number of its first row in the whole) for the folds of one fit to all rows.

Shards (goml train --shard 3/8) and files that were numbered (--shard-id 3/8) are merged in the order of their numbers, and only where none is
missing, there twice, or of another run, file or number of shards. What is merged in part can be merged further.`,
    );
  example(
    command,
    "goml merge north.json south.json -m all.json",
    "goml train part2.csv --first-row 500000 -m part2.json",
    "goml train part3.csv --shard-id nightly:3/8 -m part3.json",
    "goml merge parts/ -m all.json",
    "find parts -name '*.json' | goml merge - -m all.json",
    "goml merge part*.json --partial -m so-far.json",
    "goml merge --meats all.json meats/ -m robust.json",
  );
};
