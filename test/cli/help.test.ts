import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { version } from "../../src/version.js";
import { goml, inFolder } from "./goml.js";

const run = (...args: string[]) => inFolder({}, (folder) => goml(folder, args));
const verbs = ["inspect", "test", "cv", "select", "refit", "merge", "update", "forget"];
const commands = ["train", "predict", "evaluate", "bench", "sql", ...verbs];
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

test.each(["--version", "-V"])("%s prints the version of package.json and nothing else", async (flag) => {
  expect(version).toBe(manifest.version);
  expect(await run(flag)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
});

describe("help", () => {
  test("explains a command whatever else of it is named", async () => {
    expect(await run("help", "sql", "print")).toEqual(await run("help", "sql"));
  });

  test("--help, -h, help and no arguments list the commands", async () => {
    for (const args of [["--help"], ["-h"], ["help"], []]) {
      const { code, stdout, stderr } = await run(...args);
      for (const command of commands) expect(stdout + stderr).toMatch(new RegExp(`^  ${command} `, "m"));
      // Without a command nothing was done, which a script should notice.
      expect(code).toBe(args.length === 0 ? 2 : 0);
    }
  });

  test("commands stand in groups, each on its own line", async () => {
    const { stdout } = await run("--help");
    const headings = [...stdout.matchAll(/^([A-Z].*):$/gm)].map((match) => match[1]);
    expect(headings).toEqual([
      "Options",
      "Fit a model",
      "Use it",
      "Look at it",
      "Measure it",
      "Combine models and rows",
      "Train where the rows are",
      "Ship it",
      "Set up the shell",
    ]);
  });

  test.each(commands)("help %s has options and examples", async (command) => {
    const help = await run("help", command);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain(`Usage: goml ${command} [options]`);
    expect(help.stdout).toMatch(new RegExp(`^Examples:\n  \\$ goml ${command}`, "m"));
    expect(help.stdout).not.toContain("{}");
    expect((await run(command, "--help")).stdout).toBe(help.stdout);
  });
});

describe("wrong usage is one line and a hint, with exit code 2", () => {
  test.each<[args: string, message: string, hint: string]>([
    ["trian data.csv", "unknown command 'trian'", "did you mean train?"],
    ["fit data.csv", "unknown command 'fit'", "did you mean train?"],
    ["help fit", "unknown command 'fit'", "did you mean train?"],
    ["help predcit", "unknown command 'predcit'", "did you mean predict?"],
    ["xyzzy", "unknown command 'xyzzy'", "see goml --help for the commands"],
    ["train d.csv --tagret y", "unknown option '--tagret'", "did you mean --target?"],
    ["predict --concurent", "unknown option '--concurent'", "did you mean --concurrent?"],
    ["--verson", "unknown option '--verson'", "did you mean --version?"],
    ["train", "missing required argument 'data.csv'", "see goml help train"],
    ["serve", "missing required argument 'models'", "see goml help serve"],
    ["train d.csv -t", "option '-t, --target <column>' argument missing", "see goml help train"],
    [
      "train d.csv --na drop",
      "option '--na <policy>' argument 'drop' is invalid: expected one of omit, fail",
      "see goml help train",
    ],
    [
      "train d.csv --test-size 1.5",
      "option '--test-size <share>' argument '1.5' is invalid: expected a number between 0 and 1",
      "see goml help train",
    ],
    [
      "predict -c 0",
      `option '-c, --concurrent [threads]' argument '0' is invalid: expected an integer of 1 or more, or "auto"`,
      "see goml help predict",
    ],
    [
      "evaluate d.csv --max-rmse five",
      "option '--max-rmse <x>' argument 'five' is invalid: expected a number",
      "see goml help evaluate",
    ],
    ["bench --suite gpu", 'there is no suite "gpu"', expect.stringMatching(/^the suites are train, predict/)],
  ])("goml %s", async (args, message, hint) => {
    const { code, stdout, stderr } = await run(...args.split(" "));
    expect(code).toBe(2);
    expect(stdout).toBe("");
    const [first, second, ...rest] = stderr.split("\n");
    expect(first).toBe(`goml: ${message}`);
    expect(second!.replace(/^hint: /, "")).toEqual(hint);
    expect(rest).toEqual([""]);
  });
});
