import { execFile } from "node:child_process";
import { appendFileSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { finished, GOML, goml, inFolder, start } from "./goml.js";

/** Runs in a folder with boston.csv and the model of it. */
const trained = <T>(body: (folder: string) => Promise<T>): Promise<T> =>
  inFolder(
    { "few.csv": readFileSync("data/boston.csv", "utf8").split("\n").slice(0, 4).join("\n") },
    async (folder) => {
      copyFileSync("data/boston.csv", join(folder, "boston.csv"));
      expect((await goml(folder, ["train", "boston.csv", "-q"])).code).toBe(0);
      return body(folder);
    },
  );

/** Runs a shell command in which $GOML is the command. */
const shell = (folder: string, command: string) =>
  promisify(execFile)("sh", ["-c", command], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", GOML: `"${process.execPath}" "${GOML}"` },
  });

// R 4.2.2: predict(lm(medv ~ ., read.csv("data/boston.csv")))[1:3]
const first = [30.0038433770168, 25.0255623790531, 30.5675967186016];
const numbers = (csv: string) => csv.trim().split("\n").slice(1).map(Number);
const expectFirst = (csv: string) =>
  numbers(csv)
    .slice(0, 3)
    .forEach((value, i) => {
      expect(value).toBeCloseTo(first[i]!, 11);
    });

describe("without a data argument", () => {
  test.each([
    ["a pipe with rows", "cat few.csv | eval $GOML predict", 3],
    ["a file", "eval $GOML predict < few.csv", 3],
    ["an empty pipe", ": | eval $GOML predict", 506],
    ["/dev/null", "eval $GOML predict < /dev/null", 506],
    ["an empty file", ": > none; eval $GOML predict < none", 506],
    ["closed", "eval $GOML predict <&-", 506],
  ])("standard input is %s", (_, command, rows) =>
    trained(async (folder) => {
      const { stdout, stderr } = await shell(folder, command);
      expect(numbers(stdout).length).toBe(rows);
      expectFirst(stdout);
      expect(stderr).toContain(rows === 506 ? "506 rows of boston.csv" : "3 rows of standard input");
    }),
  );

  test("a socket, which is what Node gives a child", () =>
    trained(async (folder) => {
      const few = await goml(folder, ["predict"], readFileSync(join(folder, "few.csv")));
      expect(numbers(few.stdout).length).toBe(3);
      const none = await goml(folder, ["predict", "--concurrent"], "");
      expect(numbers(none.stdout).length).toBe(506);
    }));

  test("the training file is looked for, and read only where it is the same", () =>
    trained(async (folder) => {
      appendFileSync(join(folder, "boston.csv"), "0,0,0,0,0,0,0,0,0,0,0,0,0,0\n");
      const changed = await goml(folder, ["predict"]);
      expect(changed).toMatchObject({ code: 3, stdout: "" });
      expect(changed.stderr).toMatch(/^goml: boston\.csv: it is not the file that the model was trained on/);
      await shell(folder, "rm boston.csv");
      expect(await goml(folder, ["predict"])).toMatchObject({
        code: 3,
        stdout: "",
        stderr: expect.stringMatching(
          /^goml: boston\.csv: no such file.*trained on\)\nhint: .*goml predict data\.csv\n$/,
        ),
      });
    }));

  test("a socket that stays open and empty, which is what Node's execFile leaves", () =>
    trained(async (folder) => {
      const run = await finished(start(folder, ["predict"]), folder);
      expect(run.code).toBe(0);
      expect(numbers(run.stdout).length).toBe(506);
      expect(run.stderr).toMatch(/^note: nothing came through standard input\n506 rows of boston\.csv/);
    }));

  test("a pipe in which nothing comes is named after a while", () =>
    trained(async (folder) => {
      // However long it takes: the rows come when it has said that it waits for them.
      const { stdout, stderr } = await shell(
        folder,
        "(until grep -qs waiting said; do sleep 0.1; done; cat few.csv) | eval $GOML predict 2> said; cat said >&2",
      );
      expect(numbers(stdout).length).toBe(3);
      expect(stderr).toMatch(/^note: waiting for standard input; name a file/);
    }));
});

describe("predictions", () => {
  test("are the same bytes, serial and concurrent, to stdout and to a file", () =>
    trained(async (folder) => {
      const serial = await goml(folder, ["predict", "boston.csv"]);
      expectFirst(serial.stdout);
      for (const flag of ["--concurrent", "-c1", "-c3", "--concurrent=auto"]) {
        const run = await goml(folder, ["predict", flag, "-o", "out.csv"]);
        expect(run).toMatchObject({ code: 0, stdout: "" });
        expect(readFileSync(join(folder, "out.csv"), "utf8")).toBe(serial.stdout);
        expect(run.left).toEqual(["boston.csv", "few.csv", "model.json", "out.csv"]);
      }
    }));

  test("--append keeps the input's columns", () =>
    trained(async (folder) => {
      const { stdout } = await goml(folder, ["predict", "few.csv", "--append", "-q"]);
      const lines = stdout.trim().split("\n");
      const input = readFileSync(join(folder, "few.csv"), "utf8").trim().split("\n");
      expect(lines[0]).toBe(`${input[0]},prediction`);
      lines.slice(1).forEach((line, i) => {
        expect(line.startsWith(`${input[i + 1]},`)).toBe(true);
        expect(Number(line.split(",").pop())).toBeCloseTo(first[i]!, 11);
      });
    }));

  test("metrics and timing go to standard error, as text or as JSON, or not at all", () =>
    trained(async (folder) => {
      const text = await goml(folder, ["predict", "boston.csv"]);
      expect(text.stderr).toMatch(
        /^506 rows of boston\.csv, MSE 21\.8948, extractAIC 1589\.64, [0-9.]+ m?s on 1 thread\n$/,
      );
      const json = await goml(folder, ["predict", "boston.csv", "--json", "-c", "2"]);
      expect(json.stdout).toBe(text.stdout);
      expect(JSON.parse(json.stderr)).toMatchObject({
        command: "predict",
        data: { path: "boston.csv", rows: 506, missing: 0 },
        metrics: { n: 506, mse: expect.closeTo(21.8948311817292, 9) },
        timing: { threads: 2 },
      });
      const quiet = await goml(folder, ["predict", "boston.csv", "-q"]);
      expect([quiet.stdout, quiet.stderr]).toEqual([text.stdout, ""]);
    }));
});

test("--set names the group of conformal intervals, though no term reads it", () =>
  trained(async (folder) => {
    const of = ["-f", "rm,lstat", "--conformal", "split", "--conformal-by", "chas", "-q", "-m", "c.json"];
    expect((await goml(folder, ["train", "boston.csv", ...of])).code).toBe(0);
    const set = ["--set", "rm=6.575", "--set", "lstat=4.98"];
    const how = ["-m", "c.json", "--interval", "conformal", "--level", "0.9", "-q"];
    const one = await goml(folder, ["predict", ...set, "--set", "chas=0", ...how]);
    // The first row of the file.
    const all = await goml(folder, ["predict", "few.csv", ...how]);
    expect(one.stdout.split("\n")[1]).toBe(all.stdout.split("\n")[1]);
    const missing = await goml(folder, ["predict", ...set, ...how]);
    expect([missing.code, missing.stderr]).toEqual([4, expect.stringContaining("missing: chas")]);
  }));
