import { Option } from "commander";
import { derived, example, type Syntax } from "../../program/syntax.js";

export const forgetSyntax: Syntax = (program, run) => {
  const command = program
    .command("forget")
    .description("take the rows of a shard out of a model again, in place, and say what accuracy that cost")
    .argument("[model.json]", "the model")
    .argument("[shard.json]", "a model of rows that are among its own");
  command
    .option("--again", "take rows out that were taken out already all the same")
    .addOption(
      new Option("--vcov <type>", "iid: give robust standard errors up for classical ones").choices(["iid"]),
    );
  example(
    derived(command, "where to write (default: the model file itself, in place)").action(
      run(async () => (await import("./run.js")).forget, {
        model: { by: "first argument", writes: true, required: ["model.json", "shard.json"] },
      }),
    ),
    "goml forget all.json north.json -m rest.json",
  );
};
