import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { GOML, goml, inFolder } from "./goml.js";

// Shards that are parts of a file's bytes, through the command, and the recipes of docs/scale.md.

const rows = Array.from(
  { length: 600 },
  (_, i) => `${i % 37},${(i * 7) % 11},"${i % 2 ? "a" : "b"}, ${i % 5 ? "" : "\n"}",${(i * i) % 13}`,
);
const FILES = { "data.csv": `id,x,g,y\n${rows.join("\n")}\n`, "parts/": "" };

/** What two model files have in common where they are of the same rows: all that is printed of the fit. */
async function shown(folder: string, file: string) {
  const { stdout } = await goml(folder, ["inspect", file, "--json"]);
  const { coefficients, fit, cv } = JSON.parse(stdout);
  const digits = (_: string, value: unknown) =>
    // Merged sums differ in the last digits from those of one pass.
    typeof value === "number" ? Number(value.toPrecision(11)) : value;
  return JSON.stringify({ coefficients, fit, cv }, digits);
}

test("an array's tasks train the parts, and a folder or a list of them is merged", () =>
  inFolder(FILES, async (folder) => {
    const run = async (args: string[], environment = {}, input = "") => {
      const result = await goml(folder, args, input, environment);
      expect([args, result.code, result.stderr]).toEqual([args, 0, ""]);
      return result.stdout;
    };
    await run(["train", "data.csv", "-q", "-m", "whole.json"]);
    for (const task of [0, 1, 2, 3])
      await run(["train", "data.csv", "--shard", "auto", "-q", "-m", `parts/${task}.json`], {
        JOB_COMPLETION_INDEX: `${task}`,
        JOB_COMPLETIONS: "4",
      });
    await run(["merge", "parts", "-q", "-m", "all.json"]);
    await run(
      ["merge", "-", "-q", "-m", "listed.json"],
      {},
      "parts/3.json\nparts/1.json\r\nparts/0.json\nparts/2.json\n",
    );
    expect(readFileSync(join(folder, "listed.json"))).toEqual(readFileSync(join(folder, "all.json")));
    expect(await shown(folder, "all.json")).toBe(await shown(folder, "whole.json"));
    expect(await run(["inspect", "all.json"])).toContain("shards 1 to 4 of 4, cut from data.csv\n");
    // Without -m tasks side by side do not write over each other.
    await run(["train", "data.csv", "--shard", "3/4", "-q"]);
    expect(readFileSync(join(folder, "model.3-of-4.json"))).toEqual(
      readFileSync(join(folder, "parts/2.json")),
    );
  }));

test("what cannot be a shard, or merged, is refused in a line", () =>
  inFolder(
    {
      ...FILES,
      "other.csv": FILES["data.csv"].replace("7", "8"),
      "few.csv": `k,x,y\n1,1,2\n2,5,${"9".repeat(40)}\n`,
    },
    async (folder) => {
      for (const number of [1, 2, 3])
        await goml(folder, [
          "train",
          "data.csv",
          "--shard",
          `${number}/3`,
          "-q",
          "-m",
          `parts/${number}.json`,
        ]);
      await goml(folder, ["train", "other.csv", "--shard", "3/3", "-q", "-m", "other.json"]);
      const refused = async (code: number, message: string, args: string[], input = "") => {
        const result = await goml(folder, args, input);
        expect([args, result.code, result.stderr.split("\n")[0]]).toEqual([
          args,
          code,
          expect.stringContaining(message),
        ]);
      };
      const [one, two, three] = [1, 2, 3].map((number) => `parts/${number}.json`) as [string, string, string];
      await refused(4, "shard 2 of 3, cut from data.csv is missing", ["merge", one, three]);
      await refused(4, "other.json is shard 3 of 3, cut from other.csv", ["merge", one, two, "other.json"]);
      // The file that a shard was cut from has its rows.
      for (const file of ["data.csv", "./data.csv"])
        await refused(4, "is in the model already", ["update", one, file, "-o", "more.json"]);
      expect((await goml(folder, ["update", one, "data.csv", "--again", "-q", "-o", "more.json"])).code).toBe(
        0,
      );
      expect((await goml(folder, ["update", one, "other.csv", "-q", "-o", "more.json"])).code).toBe(0);
      await refused(2, "a stream", ["train", "-", "--shard", "1/2"], FILES["data.csv"]);
      await refused(2, "there is no shard 4 of 3", ["train", "data.csv", "--shard", "4/3"]);
      await refused(2, "auto needs a scheduler's variable", ["train", "data.csv", "--shard", "auto"]);
      await refused(3, "spans lines", ["train", "data.csv", "--shard", "1/3", "--fold-by", "id"]);
      // A part in which no row starts: the condition on rows is not to blame.
      await refused(3, "no row starts in this shard's part", [
        "train",
        "few.csv",
        ...["-t", "y", "--fold-by", "k", "--where", "x > 0", "--shard", "3/3"],
      ]);
      mkdirSync(join(folder, "none"));
      // A pipe is no model, and nobody writes it.
      execFileSync("mkfifo", [join(folder, "none/pipe.json")]);
      await refused(3, "the folder has no model files", ["merge", "none"]);
      await refused(3, "standard input lists no model files", ["merge", "-"], "\n");
    },
  ));

/** The shell blocks of a section of docs/scale.md. */
function recipe(title: string): string[] {
  const page = readFileSync("docs/scale.md", "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith(title));
  return [...(section ?? "").matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text!);
}

const has = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

const SALES = ["-t", "sold", "--fold-by", "customer"];

/** Writes `sales.csv` to a folder, and a command goml that is this build. */
function writeSales(folder: string): void {
  const lines = Array.from(
    { length: 2000 },
    (_, i) => `${i % 50},${(i * 7) % 101},${(i * 13) % 17},${(i * i) % 97}`,
  );
  writeFileSync(join(folder, "sales.csv"), `customer,price,stock,sold\n${lines.join("\n")}\n`);
  writeFileSync(join(folder, "goml"), `#!/bin/sh\nexec ${process.execPath} ${GOML} "$@"\n`, { mode: 0o755 });
}

/** Where CI puts Kubernetes' own client. */
const KUBERNETES = resolve("node_modules/.cache/goml/kubernetes/node_modules");
const load = createRequire(import.meta.url);

/** What of a document is not as Kubernetes' own client has a type's fields, made from the server's description. */
function faults(value: unknown, type: string, at = ""): string[] {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (list !== undefined)
    return Array.isArray(value)
      ? value.flatMap((one, i) => faults(one, list, `${at}[${i}]`))
      : [`${at} is no list`];
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined)
    return Object.entries(value as object).flatMap(([key, one]) => faults(one, map, `${at}.${key}`));
  if (!/^V\d/.test(type)) return type === "any" || typeof value === type ? [] : [`${at} is no ${type}`];
  const model = load(join(KUBERNETES, `@kubernetes/client-node/dist/gen/models/${type}.js`))[type];
  const fields: { baseName: string; type: string }[] = model.getAttributeTypeMap();
  return Object.entries(value as object).flatMap(([key, one]) => {
    const field = fields.find(({ baseName }) => baseName === key);
    return field === undefined ? [`${at}.${key} is unknown`] : faults(one, field.type, `${at}.${key}`);
  });
}

describe("recipes of docs/scale.md", () => {
  /** Runs blocks in a folder with `sales.csv`, goml being this build. */
  const runAll = (title: string, more: (folder: string) => void = () => {}) =>
    inFolder({}, async (folder) => {
      writeSales(folder);
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, NO_COLOR: "1" };
      more(folder);
      const blocks = recipe(title);
      expect(blocks.length).toBeGreaterThan(0);
      await goml(folder, ["train", "sales.csv", ...SALES, "-q", "-m", "whole.json"]);
      const whole = await shown(folder, "whole.json");
      for (const block of blocks) {
        execFileSync("bash", ["-euo", "pipefail", "-c", block], { cwd: folder, env, stdio: "pipe" });
        expect(await shown(folder, "sales.json"), block).toBe(whole);
      }
    });

  test.skipIf(!has("parallel"))("GNU parallel", () => runAll("GNU parallel"), 60_000);

  test.skipIf(!has("make"))(
    "make",
    () =>
      runAll("make", (folder) => {
        const page = readFileSync("docs/scale.md", "utf8");
        writeFileSync(join(folder, "Makefile"), /```make\n(.*?)```/s.exec(page)![1]!);
      }),
    60_000,
  );

  /** The Kubernetes manifest, and what it says in a line. */
  const manifest = () => /```yaml\n(.*?)```/s.exec(readFileSync("docs/scale.md", "utf8"))![1]!;

  test("the Kubernetes job's containers, each with its index, make the model of one pass", () =>
    inFolder({ "parts/": "" }, async (folder) => {
      const text = manifest();
      const completions = /^ {2}completions: (\d+)$/m.exec(text)![1]!;
      expect(text).toContain("completionMode: Indexed");
      const JOB_COMPLETIONS = /- \{ name: JOB_COMPLETIONS, value: "(\d+)" \}/.exec(text)![1]!;
      expect(JOB_COMPLETIONS).toBe(completions);
      expect(text).toContain("command: [sh, -c]\n");
      const script = /^ {10}args:\n {12}- (.*)$/m.exec(text)![1]!;
      writeSales(folder);
      // npx runs what is in the PATH: the package, which the image would have.
      writeFileSync(join(folder, "npx"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, NO_COLOR: "1", JOB_COMPLETIONS };
      const pods = Array.from({ length: Number(completions) }, (_, index) =>
        promisify(execFile)("sh", ["-c", script], {
          cwd: folder,
          env: { ...env, JOB_COMPLETION_INDEX: `${index}` },
        }),
      );
      await Promise.all(pods);
      await goml(folder, ["train", "sales.csv", ...SALES, "-q", "-m", "whole.json"]);
      expect((await goml(folder, ["merge", "parts/", "-q", "-m", "sales.json"])).code).toBe(0);
      expect(await shown(folder, "sales.json")).toBe(await shown(folder, "whole.json"));
    }));

  test.skipIf(!existsSync(KUBERNETES))("the Kubernetes manifest has the fields that Kubernetes knows", () => {
    const job = load(join(KUBERNETES, "js-yaml")).load(manifest());
    expect(faults(job, "V1Job")).toEqual([]);
    // What it finds: other names, other types, other values.
    const container = job.spec.template.spec.containers[0];
    container.volumeMount = [];
    container.env[0].value = 8;
    job.spec.completions = "8";
    job.spec.completionModus = "Indexed";
    expect(faults(job, "V1Job").toSorted()).toEqual([
      ".spec.completionModus is unknown",
      ".spec.completions is no number",
      ".spec.template.spec.containers[0].env[0].value is no string",
      ".spec.template.spec.containers[0].volumeMount is unknown",
    ]);
  });

  test("what they name is there", () => {
    const page = readFileSync("docs/scale.md", "utf8");
    for (const [, path] of page.matchAll(/\]\(([^)#:]+)\)/g))
      expect(() => readFileSync(join(dirname("docs/scale.md"), path!))).not.toThrow();
  });
});
