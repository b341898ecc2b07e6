import { InvalidArgumentError, Option } from "commander";
import { list, natural, number, positive, seconds } from "../../program/option-values.js";
import { example, type Syntax, trust, unseen } from "../../program/syntax.js";

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

/** A share, above 0 and at most 1. */
function part(text: string): number {
  const value = number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("expected a number above 0 and at most 1");
  return value;
}

function bytes(flag: string, description: string, standard: number, words: string): Option {
  return new Option(flag, description).argParser(byteCount).default(standard, words);
}

function port(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError("expected a port, 0 to 65535");
  return value;
}

export const serveSyntax: Syntax = (program, run) => {
  const command = program
    .command("serve")
    .description("serve models over HTTP (Open Inference Protocol and MLflow)")
    .argument("[models...]", "model files, NAME=FILE, or folders of models")
    .option("-m, --model <file>", "the model, another way to name it")
    .option("--host <address>", "where to listen; 0.0.0.0 is everywhere", "127.0.0.1")
    .option("-p, --port <n>", "the port; 0 is any free one", port, 8080)
    .option(
      "--grpc-port <n>",
      "serve the protocol over gRPC too, at this port (npm install @grpc/grpc-js)",
      port,
    )
    .option(
      "--token-file <file>",
      "ask for a bearer token of this file, one in each line, read again when it changes (default: $GOML_TOKEN, else none)",
    )
    .option(
      "--allowed-hosts <names>",
      "host names to answer to; * is all (default: on a loopback address those of this machine, else all)",
      list,
    )
    .option(
      "--allowed-origins <origins>",
      "origins whose pages may send requests and read the answers; * is all (default: none but its own page)",
      list,
    )
    .option("--trust-proxy", "take a client's address from X-Forwarded-For, as the proxy in front wrote it")
    .option(
      "--proxies <addresses>",
      "the proxies whose word in X-Forwarded-For is taken, such as 10.0.0.0/8 or loopback; implies --trust-proxy",
      list,
    )
    .option("--threads <n>", "worker threads for large requests (default: all cores but one)", positive)
    .addOption(bytes("--body-limit <bytes>", "the largest request", 256 * 2 ** 20, "256MiB"))
    .addOption(bytes("--json-limit <bytes>", "the largest request in JSON", 64 * 2 ** 20, "64MiB"))
    .addOption(bytes("--answer-limit <bytes>", "the largest answer", 256 * 2 ** 20, "256MiB"))
    .option("--queue <n>", "requests at a time; one more gets 503", positive, 256)
    .addOption(bytes("--queue-bytes <bytes>", "bytes of requests and answers at a time", 2 ** 30, "1GiB"))
    .option("--client-share <share>", "the share of both that one client address may have", part, 0.75)
    .option(
      "--least-rate <bytes>",
      "bytes a second in which a body has to arrive and an answer to be read, after 5 seconds; 0 is any",
      natural,
      4096,
    )
    .option("--linger <seconds>", "how long the rest of a refused body is read", seconds, 1)
    .addOption(unseen())
    .option(
      "--reload <seconds>",
      "how often to look for changed model and token files; 0 is never",
      seconds,
      1,
    )
    .addOption(bytes("--model-limit <bytes>", "the largest model file", 256 * 2 ** 20, "256MiB"))
    .option("--load-timeout <seconds>", "how long reading a model may take", seconds, 60)
    .addOption(trust())
    .option("--drain-delay <seconds>", "how long to stay open, not ready, after SIGTERM", seconds, 0)
    .option("--deadline <seconds>", "when to cut off what is still under way after SIGTERM", seconds, 10)
    .addOption(
      new Option("--log-level <level>", "what to log, as JSON lines on standard output")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    )
    .addOption(
      bytes("--log-buffer <bytes>", "log that may wait for its reader; more is dropped", 4 * 2 ** 20, "4MiB"),
    )
    .option("-q, --quiet", "log nothing but errors")
    .action(
      run(async () => (await import("./run.js")).serve, {
        unhurried: true,
        model: { by: "argument", required: ["models"] },
      }),
    );
  example(
    command,
    "goml serve model.json",
    "goml serve models/ --port 9000 --host 0.0.0.0",
    'curl -d \'{"dataframe_records": [{"x": 1}]}\' http://127.0.0.1:8080/invocations',
  );
};
