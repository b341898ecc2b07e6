import { integer, natural, positive, shard } from "../../program/option-values.js";
import { example, reading, type Syntax, trust } from "../../program/syntax.js";
import { robust } from "../../program/vcov-options.js";

export const meatSyntax: Syntax = (program, run) => {
  const command = program
    .command("meat")
    .description("what a shard adds to robust errors of the merged model: the second round of goml merge")
    .argument("<data.csv...>", "the shard's file, or several; - is standard input")
    .option(
      "-m, --model <file>",
      "the model of all shards, which may also stand before the data",
      "model.json",
    )
    .option("-o, --output <file>", "where to write it (default: meat.json, of a shard meat.3-of-8.json)");
  robust(command, "hc1, with --cluster cr1")
    .option("--seed <n>", "seed of a bootstrap's draws", integer, 1)
    .option("--shard <[run:]i/n>", "read part i of n of the data, as goml train --shard cut them", shard)
    .option("--quoted-lines", "with --shard: cells in quotes may span lines")
    .option("--first-row <n>", "where rows were held out by their numbers: that of the first", natural)
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--json", "print one JSON document")
    .addOption(trust())
    .option("-q, --quiet", "print nothing but errors")
    .action(
      run(async () => (await import("./run.js")).meat, {
        model: { by: "before data", required: ["data.csv"] },
      }),
    );
  reading(command).addHelpText(
    "after",
    `
Standard errors by --vcov (default: hc1, with --cluster cr1) at the coefficients of the model of all rows: what the shards
add up to is what one pass over all rows gives, leverages and clusters that lie in several shards included. Merge the
shards' models, make every shard's meat with the merged model and the same options, and put them together.`,
  );
  example(
    command,
    "goml merge parts/ -m all.json",
    "goml meat part3.csv -m all.json --vcov hc3 -o meats/3.json",
    "goml meat data.csv -m all.json --shard 3/8 --cluster firm -o meats/3.json",
    "goml merge --meats all.json meats/ -m robust.json",
  );
};
