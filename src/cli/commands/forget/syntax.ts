import { derived, example, type Syntax } from "../../program/syntax.js";

export const forgetSyntax: Syntax = (program, run) => {
  const command = program
    .command("forget")
    .description("take the rows of a shard out of a model again, and say what accuracy that cost")
    .argument("<model.json>", "the model")
    .argument("<shard.json>", "a model of rows that are among its own");
  example(
    derived(command, "where to write (default: the model file itself)").action(
      run(async () => (await import("./run.js")).forget),
    ),
    "goml forget all.json north.json -m rest.json",
  );
};
