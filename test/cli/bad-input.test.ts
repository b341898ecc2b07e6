import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Files, finished, GOML, goml, inFolder, start } from "./goml.js";

const table = "a,b,y\n1,2,3\n2,1,5\n4,4,1\n7,5,5\n9,9,2\n";

/** Opening it for reading is refused to every user, root too, which a file's mode does not do. */
const unreadable = "/proc/sys/net/ipv4/route/flush";

type Case = [name: string, files: Files, args: string, code: number, message: RegExp, hint: RegExp];

const badData: Case[] = [
  ["empty file", { "d.csv": "" }, "d.csv", 3, /^goml: d\.csv: the file is empty$/, /column names, then rows/],
  ["empty gzip", { "d.csv": gzipSync("") }, "d.csv", 3, /^goml: d\.csv: the file is empty$/, /./],
  [
    "header only",
    { "d.csv": "a,b\n" },
    "d.csv",
    3,
    /d\.csv: the file has a header of 2 columns and no rows$/,
    /--no-header/,
  ],
  [
    "too few cells",
    { "d.csv": `${table}1,2\n` },
    "d.csv",
    3,
    /d\.csv:7: expected 3 cells, as in the header, found 2$/,
    /./,
  ],
  [
    "too many cells",
    { "d.csv": `${table}1,2,3,4\n` },
    "d.csv",
    3,
    /d\.csv:7: expected 3 cells, as in the header, found 4$/,
    /--delimiter/,
  ],
  [
    "text in a numeric column",
    { "d.csv": `${table}1,abc,3\n` },
    "d.csv",
    3,
    /d\.csv:7: column "b": expected a number, found "abc"$/,
    /NA.*--exclude b/,
  ],
  [
    "text in the target",
    { "d.csv": `${table}1,2,abc\n` },
    "d.csv",
    3,
    /d\.csv:7: column "y": expected a number, found "abc"$/,
    /NA/,
  ],
  [
    "1e400",
    { "d.csv": `${table}1e400,2,3\n` },
    "d.csv",
    3,
    /d\.csv:7: column "a": expected a finite number, found "1e400"$/,
    /1\.8e308/,
  ],
  [
    "quote not closed",
    { "d.csv": `${table}1,"2,3\n` },
    "d.csv",
    3,
    /d\.csv:7: column "b": a quoted cell is never closed: "\\"2,3"$/,
    /twice/,
  ],
  [
    "text after a quote",
    { "d.csv": `${table}1,"2"2,3\n` },
    "d.csv",
    3,
    /d\.csv:7: column "b": text after a closing quote: /,
    /twice/,
  ],
  [
    "duplicate names",
    { "d.csv": "a,b,a\n1,2,3\n" },
    "d.csv",
    3,
    /d\.csv:1: column "a": two columns have this name, the 1st and the 3rd$/,
    /rename/,
  ],
  [
    "UTF-16 without its mark",
    { "d.csv": Buffer.from(table, "utf16le") },
    "d.csv",
    3,
    /d\.csv:1: a NUL \(zero byte\) in the text$/,
    /UTF-16: --encoding utf-16$/,
  ],
  [
    "truncated gzip",
    { "d.csv": gzipSync(table.repeat(5000)).subarray(0, -9) },
    "d.csv",
    3,
    /d\.csv: the gzip data end too early/,
    /again/,
  ],
  [
    "a target of text",
    { "d.csv": "a,y\n1,x\n2,z\n" },
    "d.csv",
    3,
    /d\.csv: column "y": the target holds text, such as "x"$/,
    /--target/,
  ],
  [
    "missing cells refused",
    { "d.csv": `${table}1,,3\n` },
    "d.csv --na fail",
    3,
    /d\.csv:7: column "b": expected a number, found an empty cell$/,
    /--na omit/,
  ],
  ["only rows with missing cells", { "d.csv": "a,y\n1,NA\n2,\n" }, "d.csv -t a -f y", 3, /d\.csv: /, /./],
  ["no such file", {}, "d.csv", 3, /^goml: d\.csv: no such file$/, /path/],
  [
    "a directory",
    { "d.csv/": "" },
    "d.csv",
    3,
    /^goml: d\.csv: it is a directory, expected a file$/,
    /inside/,
  ],
  ["no permission", {}, unreadable, 3, /flush: no permission to read it$/, /permissions/],
  [
    "no such target",
    { "d.csv": table },
    "d.csv -t mdev",
    2,
    /^goml: d\.csv has no column "mdev"$/,
    /a, b, y/,
  ],
  ["no such feature", { "d.csv": table }, "d.csv -f a,bb", 2, /has no column "bb"$/, /"b"/],
  [
    "fewer rows than terms",
    { "d.csv": "a,b,y\n1,2,3\n2,1,5\n" },
    "d.csv",
    4,
    /^goml: 2 complete rows cannot determine 3 coefficients$/,
    /--features/,
  ],
  [
    "a constant target",
    { "d.csv": "a,y\n1,5\n2,5\n3,5\n4,5\n" },
    "d.csv",
    4,
    /^goml: the target "y" is constant: all 4 values are 5$/,
    /--target/,
  ],
  [
    "collinear columns under --strict",
    { "d.csv": "a,b,y\n1,2,2\n2,4,4\n3,6,5\n4,8,5\n" },
    "d.csv --strict",
    4,
    /depend linearly on terms before them: b$/,
    /--exclude/,
  ],
  [
    "a model in no folder",
    { "d.csv": table },
    "d.csv -m none/m.json",
    3,
    /none\/m\.json: cannot be written: no such folder$/,
    /folder/,
  ],
  [
    "coefficients in no folder, of a model that could be written",
    { "d.csv": table },
    "d.csv -o none/theta.csv",
    3,
    /none\/theta\.csv: cannot be written: no such folder$/,
    /folder/,
  ],
  [
    "a target whose own effects are absorbed",
    { "d.csv": table },
    "d.csv -t y -f a --absorb y",
    2,
    /y is a target, which its own effects would explain whole$/,
    /--absorb/,
  ],
  [
    "a model on a full disk",
    { "d.csv": table },
    "d.csv -m /dev/full",
    3,
    /\/dev\/full: cannot be written: no space left/,
    /space/,
  ],
];

describe("goml train refuses", () => {
  it.each(badData)("%s", (_, files, args, code, message, hint) =>
    inFolder(files, async (folder) => {
      const run = await goml(folder, ["train", ...args.split(" ")]);
      const [first, second, ...rest] = run.stderr.split("\n");
      expect(first).toMatch(message);
      expect(second).toMatch(hint);
      expect(second).toMatch(/^hint: /);
      expect(rest).toEqual([""]);
      expect(run).toMatchObject({
        code,
        stdout: "",
        left: Object.keys(files).map((name) => name.replace("/", "")),
      });
    }),
  );

  it("leaves the model that was there", () =>
    inFolder({ "d.csv": `${table}1,x,2\n`, "model.json": "old" }, async (folder) => {
      expect(await goml(folder, ["train", "d.csv"])).toMatchObject({
        code: 3,
        left: ["d.csv", "model.json"],
      });
      expect((await promisify(execFile)("cat", [join(folder, "model.json")])).stdout).toBe("old");
    }));
});

describe("goml train reads alike", () => {
  const quoted = table
    .replace("a,b,y", '"a","b",y')
    .replaceAll("\n", ',"text, with ""quotes"" and\nline ends"\n');
  const ways: [name: string, content: string | Uint8Array, args?: string][] = [
    ["CRLF", table.replaceAll("\n", "\r\n")],
    ["CR", table.replaceAll("\n", "\r")],
    ["a byte order mark", `\ufeff${table}`],
    ["semicolons", table.replaceAll(",", ";")],
    ["tabs", table.replaceAll(",", "\t")],
    ["UTF-16", Buffer.from(`\ufeff${table}`, "utf16le")],
    ["Latin-1 where that is said", Buffer.from(table, "latin1"), "--encoding latin1"],
    ["bars", table.replaceAll(",", "|")],
    ["a delimiter given", table.replaceAll(",", ":"), "--delimiter :"],
    ["blank lines", `\n${table.replaceAll("\n", "\n\n")}`],
    ["missing cells", `${table}NA,1,2\n1,NaN,3\n1,2,null\n,,\n`],
    ["quoted cells with delimiters and line ends", quoted, "-t y"],
    ["gzip", gzipSync(table)],
  ];

  it.each(ways)("%s", (_, content, args = "") =>
    inFolder({ "plain.csv": table, "d.csv": content }, async (folder) => {
      const fit = async (file: string, ...more: string[]) => {
        const run = await goml(folder, ["train", file, "--json", ...more]);
        expect(run).toMatchObject({ code: 0, stderr: "" });
        const { coefficients, fit } = JSON.parse(run.stdout);
        return { coefficients, fit };
      };
      expect(await fit("d.csv", ...args.split(" ").filter(Boolean))).toEqual(await fit("plain.csv"));
    }),
  );

  it("constant and collinear columns, which it names", () =>
    inFolder({ "d.csv": "a,b,c,y\n1,2,7,2\n2,4,7,4\n3,6,7,5\n4,8,7,5\n" }, async (folder) => {
      const run = await goml(folder, ["train", "d.csv", "--json"]);
      expect(run.code).toBe(0);
      expect(JSON.parse(run.stdout).model).toMatchObject({ rank: 2, aliased: ["b", "c"] });
    }));
});

describe("goml predict refuses", () => {
  const trained = async <T>(files: Files, body: (folder: string, model: string) => Promise<T>): Promise<T> =>
    inFolder({ "t.csv": table, ...files }, async (folder) => {
      const { code } = await goml(folder, ["train", "t.csv", "-q"]);
      expect(code).toBe(0);
      const { stdout } = await promisify(execFile)("cat", [join(folder, "model.json")]);
      return body(folder, stdout);
    });

  const badModels: [name: string, damage: (model: string) => string, message: RegExp][] = [
    ["cut short", (model) => model.slice(0, model.length / 2), /m\.json: the model file is cut short/],
    ["empty", () => "", /m\.json: not JSON$/],
    ["not JSON", () => "a,b\n1,2\n", /m\.json: not JSON$/],
    ["other JSON", () => "[1, 2]", /m\.json: not a goml model$/],
    [
      "of a later version",
      (model) => model.replace(/"schema": ?\d+/, '"schema":99'),
      /m\.json: the model has schema 99, this goml reads up to 2$/,
    ],
    [
      "of damaged parts",
      (model) => model.replace(/"terms": ?\[/, '"terms":[1,'),
      /m\.json: "terms\[0\]" should be a text, found 1$/,
    ],
  ];

  it.each(badModels)("a model %s", (_, damage, message) =>
    trained({}, async (folder, model) => {
      const damaged = damage(model);
      expect(damaged).not.toBe(model);
      await inFolder({ "m.json": damaged, "t.csv": table }, async (other) => {
        for (const command of [
          ["predict", "t.csv", "-o", "out.csv"],
          ["evaluate", "t.csv"],
        ]) {
          const run = await goml(other, [...command, "-m", "m.json"]);
          expect(run.stderr.split("\n")[0]).toMatch(message);
          expect(run.stderr.split("\n")).toEqual([expect.any(String), expect.stringMatching(/^hint: /), ""]);
          expect(run).toMatchObject({ code: 4, stdout: "", left: ["m.json", "t.csv"] });
        }
      });
      expect(existsSync(join(folder, "out.csv"))).toBe(false);
    }),
  );

  const badRuns: [name: string, data: string, args: string, code: number, message: RegExp][] = [
    [
      "a file without the model's columns",
      "y,a\n1,2\n",
      "d.csv -o out.csv",
      4,
      /d\.csv: columns of the model are missing: b$/,
    ],
    [
      "text in a column of the model",
      "b,a\n1,2\n3,x\n",
      "d.csv -o out.csv",
      3,
      /d\.csv:3: column "a": expected a number, found "x"$/,
    ],
    [
      "the same, on threads",
      "b,a\n1,2\n3,x\n",
      "d.csv -o out.csv -c 2",
      3,
      /d\.csv:3: column "a": expected a number, found "x"$/,
    ],
    [
      "a ragged row",
      "b,a\n1,2\n3\n",
      "d.csv -o out.csv --append",
      3,
      /d\.csv:3: expected 2 cells, as in the header, found 1$/,
    ],
    [
      "an output folder that is not there",
      "b,a\n1,2\n",
      "d.csv -o none/out.csv",
      3,
      /none\/out\.csv: cannot be written: no such folder$/,
    ],
    ["a full disk", "b,a\n1,2\n", "d.csv -o /dev/full", 3, /\/dev\/full: cannot be written: no space left/],
    ["a model that is not there", "b,a\n1,2\n", "d.csv -m none.json", 3, /none\.json: no such file$/],
    ["a model that is a directory", "b,a\n1,2\n", "d.csv -m .", 3, /is a directory/],
  ];

  it.each(badRuns)("%s", (_, data, args, code, message) =>
    trained({ "d.csv": data }, async (folder) => {
      const run = await goml(folder, ["predict", ...args.split(" ")]);
      expect(run.stderr.split("\n")[0]).toMatch(message);
      expect(run.stderr.split("\n")).toEqual([expect.any(String), expect.stringMatching(/^hint: /), ""]);
      expect(run).toMatchObject({ code, stdout: "", left: ["d.csv", "model.json", "t.csv"] });
    }),
  );

  it("a full disk behind standard output, as every command does", () =>
    trained({}, async (folder) => {
      for (const command of ["predict t.csv -q", "evaluate t.csv", "train t.csv"]) {
        const shell = `"$0" "$1" ${command} > /dev/full`;
        const run = await promisify(execFile)("sh", ["-c", shell, process.execPath, GOML], {
          cwd: folder,
        }).catch((failed: { code: number; stderr: string }) => failed);
        expect(run).toMatchObject({ code: 3 });
        expect(run.stderr.split("\n")).toEqual([
          "goml: standard output: cannot be written: no space left on the disk",
          expect.stringMatching(/^hint: /),
          "",
        ]);
      }
    }));

  it("to go on when nobody reads standard output any more, and says nothing", () =>
    trained({ "big.csv": `b,a\n${"1,2\n".repeat(200_000)}` }, async (folder) => {
      for (const threads of ["", "-c 2"]) {
        const shell = `{ "$0" "$1" predict big.csv -q ${threads}; echo "exit $?" >&2; } | head -n 1`;
        const run = await promisify(execFile)("sh", ["-c", shell, process.execPath, GOML], { cwd: folder });
        expect(run).toEqual({ stdout: "prediction\n", stderr: "exit 0\n" });
      }
    }));
});

describe("Ctrl-C", () => {
  const interrupted = async (folder: string, args: string[], under: (folder: string) => boolean) => {
    const child = start(folder, args);
    const run = finished(child, folder);
    // Input that does not end: whatever the machine's speed, the command is at work when the signal comes.
    child.stdin!.on("error", () => {});
    child.stdin!.write(`a,b,y\n${"1,2,3\n".repeat(600_000)}`);
    while (!under(folder)) await delay(10);
    child.kill("SIGINT");
    return run;
  };

  it.each([
    ["serial", []],
    ["on threads", ["-c", "2"]],
  ])("stops predict, %s, and leaves nothing", (_, threads) =>
    inFolder({ "t.csv": table }, async (folder) => {
      await goml(folder, ["train", "t.csv", "-q"]);
      const begun = (in_: string) => readdirSync(in_).some((name) => name.endsWith(".tmp"));
      const run = await interrupted(folder, ["predict", "-", "-o", "out.csv", ...threads], begun);
      expect(run).toMatchObject({ code: 130, stdout: "", stderr: "", left: ["model.json", "t.csv"] });
    }),
  );

  it.each([
    ["serial", "1"],
    ["on threads", "2"],
  ])("stops train, %s, and writes no model", (_, threads) =>
    inFolder({}, async (folder) => {
      let waited = 0;
      // Long enough for the command to have started; if it had not, it would still end with 130 or a signal.
      const run = await interrupted(folder, ["train", "-", "--threads", threads], () => ++waited > 50);
      expect(run).toMatchObject({ code: 130, stdout: "", stderr: "", left: [] });
    }),
  );
});
