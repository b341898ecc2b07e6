import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GOML, goml, inFolder } from "./goml.js";

// ESC, BEL, C1's CSI and OSC, DEL, backspace, and what turns the direction of text.
const EVIL = "\u001b]0;owned\u0007\u009b31m\u009d\u007f\b\u202e";
/** The characters of a text that a terminal takes for more than characters. */
const controls = (text: string) =>
  [...text].filter((c) => {
    const code = c.charCodeAt(0);
    const kept = [9, 10, 13].includes(code);
    return (
      (code < 32 && !kept) ||
      (code >= 0x7f && code <= 0x9f) ||
      (code >= 0x202a && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069)
    );
  });

const csv = [
  `x,f${EVIL},y`,
  ...Array.from({ length: 40 }, (_, r) => `${(r * 7) % 11},l${r % 3}${EVIL},${(r * 5) % 13}`),
].join("\n");

test("no control character of a header, a level, a cell or a file name is printed", () =>
  inFolder(
    { [`d${EVIL}.csv`]: `${csv}\n`, "bad.csv": `a,y\n1,2\n${EVIL},3\n4,5\n6,7\n8,9\n1,1\n` },
    async (folder) => {
      const name = `d${EVIL}.csv`;
      for (const args of [
        ["train", name],
        ["train", name, "--json", "-m", "other.json"],
        ["inspect", "model.json", "--correlation", "--vif"],
        ["inspect", "model.json", "--json"],
        ["evaluate", name],
        ["diagnose", name],
        ["diagnose", name, "--json"],
        ["select", "model.json"],
        ["anova", "model.json"],
        ["test", "model.json", `${EVIL} = 1`],
        ["cv", "model.json"],
        ["graph"],
        ["predict", name, "-o", "out.csv"],
        ["train", name, "-t", EVIL],
        ["train", "bad.csv", "-f", "a"],
        ["train", `missing${EVIL}.csv`],
        [EVIL],
        ["train", `--${EVIL}`],
      ]) {
        const { stdout, stderr } = await goml(folder, args);
        expect(controls(stdout + stderr), args[0]).toEqual([]);
        if (args.includes("--json")) JSON.parse(stdout);
      }
      // A file gets the cells as they are.
      await goml(folder, ["predict", name, "--append", "-o", "out.csv"]);
      expect(readFileSync(join(folder, "out.csv"), "utf8")).toContain(`l0${EVIL}`);
    },
  ));

test("our own styles are printed, and no others", () =>
  inFolder({ "d.csv": `${csv}\n` }, async (folder) => {
    const run = spawnSync(process.execPath, [GOML, "train", "d.csv"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "1" },
    });
    expect(run.stdout).toContain("\u001b[1my\u001b[22m on 3 terms");
    for (const code of [1, 2, 22, 31, 32, 33, 34, 39])
      run.stdout = run.stdout.replaceAll(`\u001b[${code}m`, "");
    expect(controls(run.stdout)).toEqual([]);
  }));

test.skipIf(!existsSync("/usr/bin/script"))("a terminal gets no control characters of data either", () =>
  inFolder({ "d.csv": `${csv}\n` }, async (folder) => {
    await goml(folder, ["train", "d.csv", "-q"]);
    writeFileSync(join(folder, "run.sh"), `"${process.execPath}" "${GOML}" predict d.csv --append -q\n`);
    const run = spawnSync("script", ["-qec", "sh run.sh", "/dev/null"], {
      cwd: folder,
      encoding: "utf8",
      input: "",
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(run.stdout).toContain("l0\\u001b]0;owned\\u0007\\u009b31m");
    // What the terminal itself writes for the end of its input.
    expect(controls(run.stdout.replaceAll("^D\b\b", "").replaceAll("\u0004", ""))).toEqual([]);
  }),
);
