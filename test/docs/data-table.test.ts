import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/index.js";
import { GOML, inFolder } from "../cli/goml.js";
import { inDuckdb } from "../sources/duckdb.js";
import { fileAnswers, startHttp } from "../sources/remote/http-server.js";
import { tableOf } from "./table.js";

/** What a row of the table says: what one has, and what one writes. */
interface Answer {
  readonly have: string;
  readonly inputs: readonly string[];
  readonly write: string;
  readonly commands: readonly string[];
}

const answers: Answer[] = tableOf("docs/guide/data.md", "you have", "you write").map(
  ({ left, right, inputs, codes }) => ({ have: left, inputs, write: right, commands: codes }),
);

const bin = mkdtempSync(join(tmpdir(), "goml-bin-"));
beforeAll(() => {
  writeFileSync(join(bin, "goml"), `#!/bin/sh\nexec "${process.execPath}" "${GOML}" "$@"\n`);
  chmodSync(join(bin, "goml"), 0o755);
});
afterAll(() => rmSync(bin, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder in which lines are typed into a shell, as the guide has them. */
class Shell {
  constructor(readonly folder: string) {}

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.folder, name), content);
  }

  run(line: string): Promise<Ended> {
    const env = { ...process.env, NO_COLOR: "1", PATH: [bin, process.env.PATH].join(delimiter) };
    return new Promise((resolve) => {
      const child = execFile("sh", ["-c", line], { cwd: this.folder, env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      child.stdin!.end();
    });
  }

  /** The fit that a line makes: coefficients by name, rows used, notes. */
  async fit(line: string) {
    const { code, stdout, stderr } = await this.run(`${line} --json`);
    expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
    const { coefficients, notes, data, fit } = JSON.parse(stdout);
    const list: [string, number][] = coefficients.map((one: { term: string; estimate: number }) => [
      one.term,
      one.estimate,
    ]);
    return { estimates: Object.fromEntries(list), n: fit.n, dropped: data.dropped, notes: notes.join("\n") };
  }

  /** The message and the hint of a line that is refused. */
  async refused(line: string, exit = 3): Promise<string> {
    const { code, stderr } = await this.run(line);
    expect({ line, code }).toEqual({ line, code: exit });
    expect(stderr).toMatch(/^goml: .+\nhint: .+\n$/);
    return stderr;
  }
}

/** Rows of a large number, a fraction, a text and a target. */
const rows = Array.from({ length: 24 }, (_, i) => {
  const [big, part] = [1500 + ((i * 7919) % 9000), ((i * 37) % 16) / 8];
  return { big, part, town: ["Ulm", "Köln", "Bonn"][i % 3]!, y: big / 100 + 3 * part + ((i * 5) % 7) };
});
type Cells = readonly (string | number)[];
const csv = (header: string, lines: readonly Cells[], mark = ",", end = "\n") =>
  [header.replaceAll(",", mark), ...lines.map((cells) => cells.join(mark))].join(end) + end;
const clean = csv(
  "big,part,y",
  rows.map(({ big, part, y }) => [big, part, y]),
);
const grouped = (value: number, mark: string) => String(value).replace(/\B(?=(\d{3})+$)/, mark);
const comma = (value: number) => String(value).replace(".", ",");
// Blocks of rows, and with them the order of summation, may differ.
const near = ({ estimates, n }: { estimates: Record<string, number>; n: number }) => ({
  n,
  estimates: Object.fromEntries(
    Object.entries(estimates).map(([name, value]) => [
      name,
      expect.closeTo(value, 9 - Math.ceil(Math.log10(Math.abs(value) + 1))),
    ]),
  ),
});

/** What shows that a row's answer is right, by a part of its left side. */
const proofs: Record<string, (shell: Shell, answer: Answer) => Promise<void>> = {
  "for numbers": async (shell, { inputs, commands }) => {
    expect(inputs).toEqual(["1,500", "1.500,25", "1 500", "1'500"]);
    const [commas, points, blank, apostrophe] = commands;
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    for (const [mark, option, decimal] of [
      [",", commas, String],
      [".", points, comma],
      [" ", `--thousands ${blank}`, String],
      ["\u00a0", `--thousands ${blank}`, String],
      ["\u202f", `--thousands ${blank}`, String],
      ["'", `--thousands ${apostrophe}`, String],
    ] as const) {
      const lines = rows.map(({ big, part, y }) => [grouped(big, mark), decimal(part), decimal(y)]);
      shell.write("d.csv", csv("big,part,y", lines, ";"));
      expect(await shell.refused("goml train d.csv")).toContain("--thousands");
      expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(expected);
    }
  },
  "for a half": async (shell, { commands: [option] }) => {
    shell.write("clean.csv", clean);
    shell.write(
      "d.csv",
      csv(
        "big,part,y",
        rows.map(({ big, part, y }) => [big, comma(part), comma(y)]),
        ";",
      ),
    );
    expect(await shell.refused("goml train d.csv")).toContain(option!.replace(",", "','"));
    expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(
      near(await shell.fit("goml train clean.csv")),
    );
  },
  "`EUR 7`": async (shell, { inputs, commands: [option] }) => {
    expect(inputs).toEqual(["12 %", "$5", "EUR 7", "80 kg"]);
    const cells = rows.map(({ big, part, y }, i) => [big, part, i % 5, y]);
    shell.write("clean.csv", csv("big,part,mass,y", cells));
    const lines = cells.map(([big, part, mass, y]) => [`${big} %`, `$${part}`, `${mass} kg`, `EUR ${y}`]);
    shell.write("d.csv", csv("big,part,mass,y", lines));
    expect(await shell.refused("goml train d.csv")).toContain("--strip");
    expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(
      near(await shell.fit("goml train clean.csv")),
    );
  },
  "−9 for missing values": async (shell, { inputs, commands: [markers, column] }) => {
    const with_ = (marker: string) =>
      csv(
        "age,part,y",
        rows.map(({ big, part, y }, i) => [i % 8 === 3 ? marker : big, part, y]),
      );
    shell.write("clean.csv", with_(""));
    const expected = near(await shell.fit("goml train clean.csv"));
    expect(expected.n).toBe(21);
    expect(inputs).toEqual(["?", ".", "-", "#N/A", "\\N", "None"]);
    for (const marker of inputs) {
      shell.write("d.csv", with_(marker));
      expect(await shell.refused("goml train d.csv")).toContain(`column "age": expected a number`);
      expect(await shell.fit(`goml train d.csv --na-values '${marker}'`)).toMatchObject(expected);
    }
    shell.write("d.csv", with_("?").replace("?", "."));
    expect(await shell.fit(`goml train d.csv ${markers}`)).toMatchObject(expected);
    shell.write("d.csv", with_("-9"));
    expect(await shell.fit(`goml train d.csv ${column}`)).toMatchObject(expected);
  },
  "for Namibia": async (shell, { commands: [option] }) => {
    const lines = rows.map(({ part, y }, i) => [["NA", "ZA", "", "BW"][i % 4]!, part, y]);
    shell.write("d.csv", csv("country,part,y", lines));
    const read = await shell.fit(`goml train d.csv ${option}`);
    expect([Object.keys(read.estimates), read.n]).toEqual([
      ["(Intercept)", "countryNA", "countryZA", "part"],
      18,
    ]);
    const plain = await shell.fit("goml train d.csv");
    expect([plain.n, plain.notes]).toEqual([12, expect.stringContaining("NA in country is read as missing")]);
  },
  "ids, codes or zip codes": async (shell, { commands: [option, call] }) => {
    const lines = rows.map(({ part, y }, i) => [i % 2, 70_000 + (i % 3), part, y]);
    shell.write("d.csv", csv("id,zip,part,y", lines));
    const { estimates } = await shell.fit(`goml train d.csv ${option}`);
    expect(Object.keys(estimates)).toEqual(["(Intercept)", "id1", "zip70001", "zip70002", "part"]);
    const formula = await shell.fit(`goml train d.csv --formula 'y ~ ${call} + part + factor(id)'`);
    expect(formula.estimates.part).toBeCloseTo(estimates.part, 10);
  },
  "`crew`": async (shell, { inputs, commands: [option, call] }) => {
    shell.write(
      "d.csv",
      csv(
        "class,part,y",
        rows.map(({ part, y }, i) => [inputs[i % 4]!, part, y]),
      ),
    );
    expect(await shell.refused("goml train d.csv")).toContain(option);
    const { estimates } = await shell.fit(`goml train d.csv ${option}`);
    expect(Object.keys(estimates)).toEqual(["(Intercept)", "class2", "class3", "classcrew", "part"]);
    const formula = await shell.fit(`goml train d.csv --formula 'y ~ ${call} + part'`);
    expect(Object.values(formula.estimates)).toEqual(
      Object.values(estimates).map((value) => expect.closeTo(value, 9)),
    );
  },
  "a sensor that says": async (shell, { commands: [option] }) => {
    // More than the head of the file says so.
    const lines = Array.from({ length: 20_000 }, (_, i) => [i < 15_000 ? "offline" : i % 7, i % 11, i % 13]);
    shell.write("d.csv", csv("sensor,x,y", lines));
    expect(await shell.refused("goml train d.csv")).toMatch(/^goml: d\.csv:15002: .*\nhint: .*offline/);
    expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject({ n: 5000, dropped: 15_000 });
  },
  "empty for the first 100,000 rows": async (shell) => {
    const lines = Array.from({ length: 100_200 }, (_, i) => [i < 100_000 ? "" : i % 7, i % 11, i % 13]);
    shell.write("d.csv", csv("sensor,x,y", lines));
    const { estimates, dropped, notes } = await shell.fit("goml train d.csv");
    expect([Object.keys(estimates), dropped]).toEqual([["(Intercept)", "sensor", "x"], 100_000]);
    expect(notes).toContain("sensor has no value before row 100,001");
  },
  dates: async (shell, { commands: [option] }) => {
    const lines = rows.map(({ part, y }, i) => [`2024-01-${String(i + 1).padStart(2, "0")}`, part, y]);
    shell.write("d.csv", csv("day,part,y", lines));
    const plain = await shell.fit("goml train d.csv");
    expect([Object.keys(plain.estimates), plain.notes]).toEqual([
      ["(Intercept)", "part"],
      expect.stringContaining("left out: day, it holds dates"),
    ]);
    const { estimates } = await shell.fit(`goml train d.csv ${option}`);
    expect(Object.keys(estimates).slice(1, 3)).toEqual(["as.Date(day)", "weekdays(day)Monday"]);
    expect(Object.keys(estimates)).toHaveLength(8);
  },
  "pandas' index": async (shell, { commands: [option] }) => {
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    const numbered = (first: (i: number) => string | number, header: string) =>
      csv(
        header,
        rows.map(({ big, part, y }, i) => [first(i), big, part, y]),
      );
    for (const [first, header] of [
      [(i: number) => i, ",big,part,y"],
      [(i: number) => i + 1, ",big,part,y"],
      [(i: number) => `"${i + 1}"`, "big,part,y"],
      [(i: number) => `r${i}`, ",big,part,y"],
    ] as const) {
      shell.write("d.csv", numbered(first, header));
      const found = await shell.fit("goml train d.csv");
      expect(found).toMatchObject(expected);
      expect(found.notes).toContain("left out: the 1st column");
    }
    shell.write(
      "d.csv",
      numbered((i) => i, ",big,part,y"),
    );
    expect(Object.keys((await shell.fit(`goml train d.csv ${option}`)).estimates)).toEqual([
      "(Intercept)",
      "V1",
    ]);
  },
  "a delimiter at the end": async (shell) => {
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    for (const text of [clean.replaceAll("\n", ",\n"), clean.replaceAll("\n", ",\n").replace(",\n", "\n")]) {
      shell.write("d.csv", text);
      expect(await shell.fit("goml train d.csv")).toMatchObject(expected);
    }
  },
  "no header": async (shell, { commands: [option] }) => {
    shell.write("d.csv", clean.slice(clean.indexOf("\n") + 1));
    const { estimates, n } = await shell.fit(`goml train d.csv ${option}`);
    expect([Object.keys(estimates), n]).toEqual([["(Intercept)", "V1", "V2"], 24]);
  },
  "a title above": async (shell, { commands: [option] }) => {
    shell.write("clean.csv", clean);
    shell.write("d.csv", `Report of May\n${clean}`);
    expect(await shell.refused("goml train d.csv")).toContain(option);
    expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(
      near(await shell.fit("goml train clean.csv")),
    );
  },
  "lines of `#`": async (shell, { commands: [option] }) => {
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    shell.write("d.csv", `# station 3\n#\n${clean}`);
    expect(await shell.fit("goml train d.csv")).toMatchObject(expected);
    shell.write("d.csv", `# ${clean}`);
    expect(await shell.fit("goml train d.csv")).toMatchObject(expected);
    const among = clean.split("\n");
    among.splice(5, 0, "# the sensor was moved");
    shell.write("d.csv", among.join("\n"));
    expect(await shell.refused("goml train d.csv")).toContain(option);
    expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(expected);
  },
  "a line of units": async (shell) => {
    shell.write("clean.csv", clean);
    shell.write("d.csv", clean.replace("\n", "\nEUR,m,kg\n"));
    const found = await shell.fit("goml train d.csv");
    expect(found).toMatchObject(near(await shell.fit("goml train clean.csv")));
    expect(found.notes).toContain("line 2 holds units, and is no row: EUR, m, kg");
  },
  "columns aligned by blanks": async (shell) => {
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    const aligned = clean
      .split("\n")
      .map((line) =>
        line
          .split(",")
          .map((cell) => cell.padStart(24))
          .join(""),
      )
      .join("\n");
    for (const text of [
      `sep=;\n${clean.replaceAll(",", ";")}`,
      `\ufeff${clean}`,
      clean.replaceAll("\n", "\r"),
      clean.replaceAll("\n", "\r\n"),
      `${clean}\u001a`,
      aligned,
    ]) {
      shell.write("d.csv", text);
      expect(await shell.fit("goml train d.csv")).toMatchObject(expected);
    }
  },
  "UTF-16": async (shell, { commands: [latin1, other] }) => {
    const text = csv(
      "town,part,y",
      rows.map(({ town, part, y }) => [town, part, y]),
    );
    shell.write("clean.csv", text);
    const expected = near(await shell.fit("goml train clean.csv"));
    expect(Object.keys(expected.estimates)).toContain("townKöln");
    shell.write("d.csv", Buffer.from(text, "latin1"));
    expect(await shell.refused("goml train d.csv")).toContain("--encoding");
    for (const option of [latin1, `--encoding ${other}`])
      expect(await shell.fit(`goml train d.csv ${option}`)).toMatchObject(expected);
    shell.write("d.csv", Buffer.from(`\ufeff${text}`, "utf16le"));
    expect(await shell.fit("goml train d.csv")).toMatchObject(expected);
  },
  "has no value": async (shell, { inputs: [call], commands: [option] }) => {
    shell.write("d.csv", "x,y\n1,2\n2,3\n0,4\n5,4\n7,9\n-1,4\n9,8\n");
    const { n, notes } = await shell.fit(`goml train d.csv --formula 'y ~ ${call}'`);
    expect([n, notes]).toEqual([
      5,
      "log(x) has no value in 2 rows, which are left out: the first is d.csv:4, where x is 0",
    ]);
    expect(await shell.refused(`goml train d.csv --formula 'y ~ ${call}' ${option}`)).toContain("d.csv:4: ");
  },
  "one file per day": async (shell, { commands: [train, ...others] }) => {
    const days = [0, 8, 16].map((at) =>
      csv(
        "big,part,y",
        rows.slice(at, at + 8).map(({ big, part, y }) => [big, part, y]),
      ),
    );
    shell.write("clean.csv", clean);
    for (const [i, text] of days.entries()) shell.write(`day${i}.csv`, text);
    expect(await shell.fit(train!)).toMatchObject(near(await shell.fit("goml train clean.csv -m one.json")));
    expect(others).toEqual(["predict", "evaluate", "cv", "diagnose", "update"]);
    const said = async (line: string) => {
      const { code, stdout } = await shell.run(line);
      expect(code).toBe(0);
      return stdout;
    };
    for (const command of ["predict", "evaluate"])
      expect(await said(`goml ${command} day*.csv -m one.json -q`)).toBe(
        await said(`goml ${command} clean.csv -m one.json -q`),
      );
    expect(await said("goml cv day*.csv")).toBe(await said("goml cv clean.csv"));
    expect(await said("goml diagnose day*.csv -m one.json")).toContain("24 rows");
    await shell.fit("goml train day0.csv");
    expect((await shell.fit("goml update model.json day1.csv day2.csv")).n).toBe(24);
  },
  "only some of the rows": async (shell, { commands: [option, operators] }) => {
    expect(operators).toBe("== != < > <= >= & | ! %in% c(…) is.na()");
    const people = rows.map(({ part, y }, i) => ({ age: 10 + i, region: ["N", "S", "W"][i % 3]!, part, y }));
    const text = (list: typeof people) =>
      csv(
        "age,region,part,y",
        list.map(({ age, region, part, y }) => [age, region, part, y]),
      );
    shell.write("all.csv", text(people));
    const same = async (where: string, holds: (one: (typeof people)[number]) => boolean) => {
      shell.write("some.csv", text(people.filter(holds)));
      const terms = "-t y -f age,part";
      expect(await shell.fit(`goml train all.csv ${terms} ${where}`)).toMatchObject(
        near(await shell.fit(`goml train some.csv ${terms}`)),
      );
    };
    await same(option!, ({ age, region }) => age >= 18 && region !== "N");
    await same(
      `--where '!(age < 15 | age > 30) & region %in% c("S", "W")'`,
      ({ age, region }) => age >= 15 && age <= 30 && region !== "N",
    );
    await same(
      `--where 'age <= 28 & !is.na(part) & region == "S" | age == 33'`,
      ({ age, region }) => (age <= 28 && region === "S") || age === 33,
    );
  },
  "names for the rows": async (shell, { commands: [option] }) => {
    shell.write(
      "d.csv",
      csv(
        "name,part,y",
        rows.map(({ part, y }, i) => [`n${i}`, part, y]),
      ),
    );
    expect(Object.keys((await shell.fit(`goml train d.csv ${option}`)).estimates)).toEqual([
      "(Intercept)",
      "part",
    ]);
    for (const command of ["diagnose", "predict"])
      expect((await shell.run(`goml ${command} d.csv -o - -q`)).stdout).toMatch(/^name,.*\nn0,/);
  },
  "JSON lines": async (shell, { commands: [train, predict] }) => {
    const lines = rows.map(({ big, part, y }) => JSON.stringify({ big, part, y })).join("\n");
    shell.write("clean.csv", clean);
    shell.write("data.jsonl", lines);
    shell.write("new.jsonl", lines);
    expect(await shell.fit(train!)).toMatchObject(near(await shell.fit("goml train clean.csv -m c.json")));
    expect((await shell.run(`${predict} -q`)).stdout).toBe(
      (await shell.run("goml predict clean.csv -q")).stdout,
    );
  },
  Parquet: async (shell, { commands: [install, train] }) => {
    expect(install!.split(" ").slice(2).every(isOptionalPeer)).toBe(true);
    mkdirSync(join(shell.folder, "sales/may"), { recursive: true });
    shell.write("clean.csv", clean);
    const file = join(shell.folder, "sales/may/1.parquet");
    await inDuckdb(`COPY (FROM '${join(shell.folder, "clean.csv")}') TO '${file}' (FORMAT parquet)`);
    expect(await shell.fit(train!)).toMatchObject(near(await shell.fit("goml train clean.csv -t y")));
  },
  "Arrow, Feather": async (shell, { commands: [train, stream] }) => {
    shell.write("clean.csv", clean);
    const [names, ...lines] = clean
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const columns = names!.map((name, j) => [name, Float64Array.from(lines, (line) => Number(line[j]))]);
    const table = tableFromArrays(Object.fromEntries(columns));
    shell.write("sales.arrow", tableToIPC(table, "file"));
    shell.write("sales.arrows", tableToIPC(table, "stream"));
    const expected = near(await shell.fit("goml train clean.csv -t y"));
    expect(await shell.fit(train!)).toMatchObject(expected);
    expect(await shell.fit(`cat sales.arrows | ${stream}`)).toMatchObject(expected);
  },
  "a file on a web server": async (shell, { commands: [train] }) => {
    shell.write("clean.csv", clean);
    const server = await startHttp();
    try {
      server.answer(fileAnswers(gzipSync(clean)));
      const expected = near(await shell.fit("goml train clean.csv -t y"));
      const line = train!.replace("https://example.org", server.url);
      expect(await shell.fit(line)).toMatchObject(expected);
    } finally {
      server.stop();
    }
  },
  "gzip, or zstd": async (shell, { commands: [line, install] }) => {
    expect(install!.split(" ").slice(2).every(isOptionalPeer)).toBe(true);
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv -t y"));
    shell.write("sales.csv.gz", gzipSync(clean));
    expect(await shell.fit(`${line} -t y`)).toMatchObject(expected);
  },
  "a DuckDB database": async (shell, { commands: [install, train, query] }) => {
    expect(install!.split(" ").slice(2).every(isOptionalPeer)).toBe(true);
    shell.write("clean.csv", clean);
    const instance = await DuckDBInstance.create(join(shell.folder, "file.db"));
    const connection = await instance.connect();
    await connection.run(`CREATE TABLE t AS FROM '${join(shell.folder, "clean.csv")}'`);
    connection.closeSync();
    instance.closeSync();
    const expected = near(await shell.fit("goml train clean.csv -t y"));
    expect(await shell.fit(`${train} -t y`)).toMatchObject(expected);
    const line = `${train!.replace(/ --table.*/, "")} ${query!.replace("…", "* FROM t")} -t y`;
    expect(await shell.fit(line)).toMatchObject(expected);
  },
  "one row, typed": async (shell, { commands: [line, call] }) => {
    const lines = rows.map(({ town, y }, i) => [(i * 5) % 8, town, y]);
    shell.write("d.csv", csv("rooms,city,y", lines));
    const { estimates } = await shell.fit("goml train d.csv");
    const expected = estimates["(Intercept)"] + 3 * estimates.rooms + estimates.cityKöln;
    const { stdout } = await shell.run(line!);
    expect(Number(stdout.split("\n")[1])).toBeCloseTo(expected, 10);
    const model = LinearModel.fromJSON(JSON.parse(readFileSync(join(shell.folder, "model.json"), "utf8")));
    // The guide's own words.
    const predicted: Float64Array = new Function("model", `return ${call}`)(model);
    expect(predicted[0]).toBeCloseTo(expected, 10);
  },
  "names with commas": async (shell, { commands }) => {
    const lines = rows.map(({ big, part, y }, i) => [big, part, i % 5, y]);
    shell.write("d.csv", csv('"price, EUR",rooms,z,y', lines).replace(/^.*/, '"price, EUR",rooms,z,y'));
    for (const option of commands)
      expect(Object.keys((await shell.fit(`goml train d.csv -t y ${option}`)).estimates)).toEqual([
        "(Intercept)",
        "price, EUR",
        "rooms",
      ]);
  },
  "typed on another system": async (shell, { inputs: [name] }) => {
    const text = (form: "NFC" | "NFD") =>
      csv(
        `${name},town,y`,
        rows.map(({ part, town, y }) => [part, town, y]),
      ).normalize(form);
    shell.write("c.csv", text("NFC"));
    shell.write("d.csv", text("NFD"));
    const expected = await shell.fit("goml train c.csv");
    expect(await shell.fit("goml train d.csv -m d.json")).toEqual(expected);
    expect((await shell.run("goml predict d.csv -q")).stdout).toBe(
      (await shell.run("goml predict c.csv -q")).stdout,
    );
  },
  xlsx: async (shell, { have }) => {
    expect(have).toBe("xlsx, JSON, HTML, zip, xz, …");
    shell.write("clean.csv", clean);
    const expected = near(await shell.fit("goml train clean.csv"));
    const kinds: Record<string, string | Uint8Array> = {
      "d.xlsx": "PK\x03\x04\x14\0\0\0\0\0[Content_Types].xml",
      "d.json": JSON.stringify(rows.map(({ big, part, y }) => ({ big, part, y }))),
      "d.html": "<!DOCTYPE html>\n<html><title>Sign in</title></html>\n",
      "d.zip": "PK\x03\x04\x14\0\0\0\0\0d.csv",
      "d.xz": Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]),
    };
    for (const [name, content] of Object.entries(kinds)) shell.write(name, content);
    for (const name of Object.keys(kinds))
      expect(await shell.refused(`goml train ${name}`)).toMatch(
        /^goml: d\.\w+: this is [^\n]+, expected CSV\nhint: /,
      );
    // What compresses is there as a rule; what is said then works as it stands.
    for (const [pack, suffix] of [
      ["gzip -k", "gz"],
      ["bzip2 -k", "bz2"],
      ["xz -k", "xz"],
      ["zstd -q", "zst"],
    ] as const) {
      if ((await shell.run(`${pack} clean.csv`)).code !== 0) continue;
      const name = `clean.csv.${suffix}`;
      expect(existsSync(join(shell.folder, name))).toBe(true);
      if (suffix === "gz" || suffix === "zst") {
        expect(await shell.fit(`goml train ${name}`)).toMatchObject(expected);
        continue;
      }
      const [, command] = /read the output of: (.*)\n/.exec(await shell.refused(`goml train ${name}`))!;
      expect(await shell.fit(`${command} | goml train -`)).toMatchObject(expected);
    }
  },
};

/** Whether a package is one that is installed beside goml when it is needed. */
function isOptionalPeer(name: string): boolean {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync("package.json", "utf8"));
  return peerDependencies[name] !== undefined && peerDependenciesMeta[name].optional === true;
}

describe("what the guide says to write works as it stands", () => {
  const proofOf = ({ have }: Answer) => Object.keys(proofs).filter((part) => have.includes(part));

  test("every row has its proof, and every proof its row", () => {
    expect(answers.map((answer) => [answer.have, proofOf(answer).length])).toEqual(
      answers.map(({ have }) => [have, 1]),
    );
    expect(new Set(answers.flatMap(proofOf))).toEqual(new Set(Object.keys(proofs)));
  });

  test.each(answers.map((answer) => [`${answer.have} → ${answer.write}`, answer] as const))(
    "%s",
    (_, answer) => inFolder({}, (folder) => proofs[proofOf(answer)[0]!]!(new Shell(folder), answer)),
    60_000,
  );
});
