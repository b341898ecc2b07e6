// What clustered covariances cost beside the fit without: `node bench/covariances.js [--rounds 5] [--clusters 10000]`.
//
// 1,000,000 generated rows (seeded), whole processes, one after the other in each round, ratios round by round, since shared
// machines drift. Build first.
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { againstFirst } from "./against-first.js";
import { generatePanel } from "./generate-panel.js";
import { run } from "./run.js";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, clusters: { type: "string", default: "10000" } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const clusters = Number(flags.clusters);
mkdirSync(here("data"), { recursive: true });
const path = here(`data/panel-1000000x4-${clusters}.csv`);
if (!existsSync(path)) generatePanel(1_000_000, 4, [clusters], path, 1);
run(["cat", path]);
const [first] = run(["head", "-1", path]).stdout.trim().split("\n");
const columns = first.split(",");
const features = columns.filter((name) => /^x/.test(name));
const target = columns.find((name) => name === "y") ?? columns.at(-1);
const cluster = columns.find((name) => !features.includes(name) && name !== target);
const train = (...more) => [
  process.execPath,
  here("../bin/goml.js"),
  "train",
  path,
  "-q",
  "-m",
  here("data/covariances-model.json"),
  "-t",
  target,
  "-f",
  features.join(),
  ...more,
];
const cases = [
  ["iid", train()],
  ["hc1", train("--vcov", "hc1")],
  ["cluster (CR1)", train("--vcov", "cluster", "--cluster", cluster)],
  ["cr2", train("--vcov", "cr2", "--cluster", cluster)],
  ["wild bootstrap, 999 draws", train("--vcov", "bootstrap", "--cluster", cluster)],
];
againstFirst(
  cases,
  Number(flags.rounds),
  `1,000,000 rows of ${features.length} numbers, ${clusters} clusters`,
);
