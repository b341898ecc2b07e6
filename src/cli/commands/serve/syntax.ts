import { InvalidArgumentError, Option } from "commander";
import { number, positive } from "../../program/option-values.js";
import { example, type Syntax, unseen } from "../../program/syntax.js";

const UNITS: Record<string, number> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** A number of bytes: 1000000, 64MB, 256MiB. */
function byteCount(text: string): number {
  const [, digits, unit] = /^([0-9.]+) *([a-z]*)$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(digits) * (UNITS[unit?.toUpperCase() ?? "?"] ?? Number.NaN));
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new InvalidArgumentError("expected a number of bytes, such as 256MiB");
  return bytes;
}

function port(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError("expected a port, 0 to 65535");
  return value;
}

function seconds(text: string): number {
  const value = number(text);
  if (value < 0 || value > 86_400) throw new InvalidArgumentError("expected seconds, 0 to 86400");
  return value;
}

export const serveSyntax: Syntax = (program, run) => {
  const command = program
    .command("serve")
    .description("serve models over HTTP (Open Inference Protocol and MLflow)")
    .argument("<models...>", "model files, NAME=FILE, or folders of models")
    .option("--host <address>", "where to listen; 0.0.0.0 is everywhere", "127.0.0.1")
    .option("-p, --port <n>", "the port; 0 is any free one", port, 8080)
    .option("--token-file <file>", "ask for the bearer token in this file (default: $GOML_TOKEN, else none)")
    .option("--threads <n>", "worker threads for large requests (default: all cores but one)", positive)
    .addOption(
      new Option("--body-limit <bytes>", "the largest request")
        .argParser(byteCount)
        .default(256 * 2 ** 20, "256MiB"),
    )
    .option("--queue <n>", "requests at a time; one more gets 503", positive, 256)
    .addOption(unseen())
    .option("--reload <seconds>", "how often to look for changed model files; 0 is never", seconds, 1)
    .option("--drain-delay <seconds>", "how long to stay open, not ready, after SIGTERM", seconds, 0)
    .option("--deadline <seconds>", "when to cut off what is still under way after SIGTERM", seconds, 10)
    .addOption(
      new Option("--log-level <level>", "what to log, as JSON lines on standard output")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    )
    .option("-q, --quiet", "log nothing but errors")
    .action(run(async () => (await import("./run.js")).serve));
  example(
    command,
    "goml serve model.json",
    "goml serve models/ --port 9000 --host 0.0.0.0",
    'curl -d \'{"dataframe_records": [{"x": 1}]}\' http://127.0.0.1:8080/invocations',
  );
};
