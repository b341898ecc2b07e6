import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parse } from "csv-parse/sync";
import { transformSync } from "esbuild";
import { describe, expect, it } from "vitest";
import { goml as run } from "../cli/goml.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** A folder with a copy of a case's files, in which commands are run. */
async function inCase<T>(name: string, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "goml-case-"));
  try {
    if (name !== "")
      for (const file of readdirSync(join(here, name)))
        copyFileSync(join(here, name, file), join(folder, file));
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Trains and gives the coefficients by name, and the notes. */
async function fit(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await run(folder, ["train", ...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { coefficients, notes, data, fit: statistics } = JSON.parse(stdout);
  const rows: { term: string; estimate: number }[] = coefficients;
  return {
    coefficients: Object.fromEntries(rows.map(({ term, estimate }) => [term, estimate])),
    notes: notes.join("\n") as string,
    data,
    n: statistics.n as number,
  };
}

/** What a command that is refused says: its exit code, its message and its hint. */
async function refusal(folder: string, ...args: string[]) {
  const { code, stderr } = await run(folder, args);
  const [message, hint] = stderr.split("\n");
  return { code, message, hint };
}

/** R's coefficients have 15 digits; the fits are well conditioned. */
function near(expected: Record<string, number>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      Math.abs(value) < 1e-9
        ? expect.closeTo(0, 9)
        : expect.closeTo(value, 9 - Math.ceil(Math.log10(Math.abs(value)))),
    ]),
  );
}

describe("columns that only number or name rows", () => {
  it("get a name that no other column has, and are left out", () =>
    inCase("rowname-column-x1", async (folder) => {
      // lm(y ~ x1 + x2, read.csv("rw.csv", row.names = 1))
      const expected = near({
        "(Intercept)": 0.984271683685366,
        x1: 2.041363472696558,
        x2: -0.814704005547893,
      });
      expect((await fit(folder, "rw.csv", "-f", "x1,x2")).coefficients).toEqual(expected);
      const { coefficients, notes } = await fit(folder, "rw.csv");
      expect(coefficients).toEqual(expected);
      expect(notes).toContain(
        "left out: the 1st column, which has no name (V1 here), it numbers or names the rows",
      );
    }));

  it("are no features, so that the next file need not have them", () =>
    inCase("rownumber-as-feature", async (folder) => {
      // lm(y ~ ., read.csv("idx.csv", row.names = 1))
      const { coefficients, notes } = await fit(folder, "idx.csv");
      expect(coefficients).toEqual(
        near({ "(Intercept)": 1.05277268857792, a: 1.93950569943171, b: -1.00604661405837 }),
      );
      expect(notes).toContain("the 1st column, which has no name");
      expect(await run(folder, ["predict", "new.csv", "-q"])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^prediction\n1\.51950/),
      });
    }));

  it("may be one more than the header names", () =>
    inCase("header-one-short", async (folder) => {
      // lm(y ~ ., read.table("wt.csv", header = TRUE, sep = ","))
      const { coefficients, notes } = await fit(folder, "wt.csv");
      expect(coefficients).toEqual(
        near({ "(Intercept)": 1.050498848343091, a: 1.998173731248562, b: -0.898182762511729 }),
      );
      expect(notes).toContain("it numbers or names the rows");
    }));

  it("are noted where they are features: an unnamed column that does not number rows", () =>
    inCase("", async (folder) => {
      writeFileSync(
        join(folder, "d.csv"),
        `,a,y\n${Array.from({ length: 12 }, (_, i) => `${i % 3},${i},${i * i}\n`).join("")}`,
      );
      const { coefficients, notes } = await fit(folder, "d.csv");
      expect(Object.keys(coefficients)).toEqual(["(Intercept)", "V1", "a"]);
      expect(notes).toContain("the 1st column has no name, and is called V1");
    }));

  it("are known by the name that pandas makes up for them", () =>
    inCase("rownumber-as-feature", async (folder) => {
      const text = readFileSync(join(folder, "idx.csv"), "utf8");
      writeFileSync(join(folder, "again.csv"), `Unnamed: 0${text}`);
      expect((await fit(folder, "again.csv")).coefficients).toEqual(
        (await fit(folder, "idx.csv")).coefficients,
      );
    }));

  it("a last one without name and values is passed over, in header, rows or both", () =>
    inCase("", async (folder) => {
      const rows = ["1,2,3", "2,1,5", "4,4,1", "7,5,5", "9,9,2"];
      const write = (header: string, end: string) =>
        writeFileSync(join(folder, "d.csv"), [header, ...rows.map((row) => row + end)].join("\n"));
      write("a,b,y", "");
      const expected = await fit(folder, "d.csv");
      for (const [header, end] of [
        ["a,b,y,", ","],
        ["a,b,y,", ""],
        ["a,b,y", ","],
      ] as const) {
        write(header, end);
        expect((await fit(folder, "d.csv")).coefficients).toEqual(expected.coefficients);
      }
    }));
});

describe("what stands before the rows", () => {
  it("sep=; is obeyed", () =>
    inCase("sep-line", async (folder) => {
      // lm(y ~ ., read.csv2("sep3.csv", skip = 1, dec = "."))
      expect((await fit(folder, "sep3.csv")).coefficients).toEqual(
        near({ "(Intercept)": 1.073076372946233, a: 2.019842862959207, b: -0.941954759213322 }),
      );
      expect(Object.keys((await fit(folder, "sep2.csv")).coefficients)).toEqual(["(Intercept)", "x"]);
      const { coefficients, n } = await fit(folder, "num2.csv", "--no-header");
      expect([Object.keys(coefficients), n]).toEqual([["(Intercept)", "V1"], 8]);
    }));

  it("lines of # are passed over, and a title is named with the option that skips it", () =>
    inCase("comment-preamble", async (folder) => {
      const expected = near({ "(Intercept)": 1.00139443086996, a: 1.96187019659249, b: -1.16536201616898 });
      for (const [file, note] of [
        ["hash.csv", "lines 1 to 2 begin with #"],
        ["comma.csv", "line 1 begins with #"],
      ] as const) {
        const { coefficients, notes } = await fit(folder, file);
        expect(coefficients).toEqual(expected);
        expect(notes).toContain(note);
      }
      expect(await refusal(folder, "train", "title.csv")).toEqual({
        code: 3,
        message: "goml: title.csv:3: expected 1 cell, as in the header, found 3",
        hint: "hint: if the header stands on that line, and what is before it is a title: --skip-rows 2",
      });
      expect((await fit(folder, "title.csv", "--skip-rows", "2")).coefficients).toEqual(expected);
    }));

  it("a header behind a #, as NumPy writes it, names the columns", () =>
    inCase("numpy-savetxt-header", async (folder) => {
      const { coefficients, notes } = await fit(folder, "np.csv");
      expect(Object.keys(coefficients)).toEqual(["(Intercept)", "a", "b"]);
      expect(notes).toContain("behind the # of line 1");
      expect(await run(folder, ["predict", "new.csv"])).toMatchObject({ code: 0 });
    }));

  it("a first row that begins with #N/A is no comment, and a header that holds numbers is doubted", () =>
    inCase("", async (folder) => {
      const rows = "1,2,3\n2,3,5\n4,4,4\n5,5,9\n";
      for (const marker of ["#N/A", "#DIV/0!", "#REF!"]) {
        writeFileSync(join(folder, "d.csv"), `# a,b,y\n${marker},1,2\n${rows}`);
        expect((await refusal(folder, "train", "d.csv")).message).toBe(
          `goml: d.csv:2: column "a": expected a number, found ${JSON.stringify(marker)}`,
        );
        expect(await fit(folder, "d.csv", "--na-values", marker)).toMatchObject({ n: 4 });
      }
      writeFileSync(join(folder, "n.csv"), "Ulm,1,2\na,1,2\nb,2,3\na,4,4\nb,5,6\nb,5,7\n");
      expect((await fit(folder, "n.csv")).notes).toContain(
        "line 1 is taken for the header, though it holds numbers: Ulm, 1, 2",
      );
      writeFileSync(join(folder, "y.csv"), "town,2019,2020\na,1,2\nb,2,3\na,4,4\nb,5,6\nb,5,7\n");
      expect((await fit(folder, "y.csv")).notes).not.toContain("header");
    }));

  it("units are no row, and a header in the middle is named as that", () =>
    inCase("", async (folder) => {
      writeFileSync(join(folder, "u.csv"), "a,y\nm,kg\n1,2\n2,3.9\n3,6.2\n");
      const { n, notes } = await fit(folder, "u.csv");
      expect(n).toBe(3);
      expect(notes).toContain("line 2 holds units, and is no row: m, kg");
      writeFileSync(join(folder, "h.csv"), "a,y\n1,2\n2,3.9\na,y\n3,6.2\n");
      expect((await refusal(folder, "train", "h.csv")).message).toBe(
        "goml: h.csv:4: the header again, in the middle of the rows",
      );
    }));
});

describe("numbers in other writings", () => {
  it.each([
    // lm() of the amounts as numbers: gsub(",", "", sqft)
    [
      "thousands-separator",
      "sqft",
      { "(Intercept)": 53.50472324450055, sqft: 0.0499430632470469, age: -1.0421751116019871 },
    ],
    [
      "thousands-all-different",
      "income",
      { "(Intercept)": -6.7364811361280497, income: 0.0100556534211019, age: 1.0274103525809153 },
    ],
  ] as const)("%s: an error that names the option, and read with it", (name, column, expected) =>
    inCase(name, async (folder) => {
      const [file] = readdirSync(folder) as [string];
      const { code, message, hint } = await refusal(folder, "train", file);
      expect(code).toBe(3);
      expect(message).toMatch(
        new RegExp(`${file}:2: column "${column}": expected a number, found "\\d+,\\d{3}"`),
      );
      expect(hint).toContain("if the comma groups thousands: --thousands ','");
      expect((await fit(folder, file, "--thousands", ",")).coefficients).toEqual(near(expected));
    }),
  );

  it("decimal commas", () =>
    inCase("decimal-comma", async (folder) => {
      for (const [file, line] of [
        ["eu-x.csv", 'column "temp": expected a number, found "0,5"'],
        ["eu-all.csv", 'column "load": expected a number, found "10,1"'],
      ] as const) {
        const { message, hint } = await refusal(folder, "train", file);
        expect(message).toBe(`goml: ${file}:2: ${line}`);
        expect(hint).toContain("such numbers are read with --decimal ','");
      }
      // lm(load ~ ., read.csv2("eu-all.csv"))
      expect((await fit(folder, "eu-all.csv", "--decimal", ",")).coefficients).toEqual(
        near({ "(Intercept)": 8.91765873015875, temp: 3.00912698412698 }),
      );
      // The model knows how its data were written.
      expect(await run(folder, ["predict", "eu-all.csv", "-q"])).toMatchObject({ code: 0, stderr: "" });
      writeFileSync(join(folder, "point.csv"), "temp\n1.5\n");
      expect((await refusal(folder, "predict", "point.csv")).hint).toBe(
        "hint: for a file with decimal points: --decimal '.'",
      );
      expect(await run(folder, ["predict", "point.csv", "-q", "--decimal", "."])).toMatchObject({ code: 0 });
    }));

  it("delimiters are not taken for decimal commas", () =>
    inCase("sniffer-header-commas", async (folder) => {
      for (const file of ["eu.csv", "eu1.csv", "tab.csv"])
        expect((await refusal(folder, "train", file)).hint).toContain("--decimal ','");
      // lm(Load..kW ~ ., read.csv2("eu.csv"))
      expect((await fit(folder, "eu.csv", "--decimal", ",")).coefficients).toEqual(
        near({ "(Intercept)": 1.2873276612849, "Temp, C": 1.91099350170831 }),
      );
    }));

  it("no-break spaces", () =>
    inCase("nbsp-in-number", async (folder) => {
      // lm(y ~ x) of x = 1, 2, 3, 4, 5 gives 0.07 and 1.99.
      expect((await fit(folder, "nb.csv")).coefficients).toEqual(near({ "(Intercept)": 0.07, x: 1.99 }));
      const { message, hint } = await refusal(folder, "train", "nb2.csv");
      expect(message).toContain("nb2.csv:3:");
      expect(message).toContain("(with U+202F, a narrow no-break space)");
      expect(hint).toContain("--thousands ' '");
      expect((await fit(folder, "nb2.csv", "--thousands", " ")).n).toBe(5);
    }));

  it("letters that look like digits, or multiply, are not said to be units to be passed over", () =>
    inCase("", async (folder) => {
      const write = (cell: string) =>
        writeFileSync(join(folder, "d.csv"), `x,y\n1,2\n${cell},4\n3,5\n4,9\n5,9\n`);
      write("15OO");
      expect((await refusal(folder, "train", "d.csv")).hint).toContain('"OO" is of letters that look like');
      for (const cell of ["1.2k", "3.4 M", "2 Mio.", "7 bn"]) {
        write(cell);
        expect((await refusal(folder, "train", "d.csv")).hint).toContain(
          "multiplies the number, write it out",
        );
      }
    }));

  it("percent and currency signs", () =>
    inCase("", async (folder) => {
      writeFileSync(join(folder, "d.csv"), "rate,y\n1 %,$2\n2 %,$4.1\n3.5 %,$7\n4 %,$8.1\n");
      expect((await refusal(folder, "train", "d.csv")).hint).toContain("--strip");
      const { coefficients } = await fit(folder, "d.csv", "--strip", "%,$");
      writeFileSync(join(folder, "p.csv"), "rate,y\n1,2\n2,4.1\n3.5,7\n4,8.1\n");
      expect(coefficients).toEqual((await fit(folder, "p.csv")).coefficients);
    }));
});

describe("missing values", () => {
  const MARKERS = [
    "?",
    ".",
    "-",
    "--",
    "#N/A",
    "None",
    "n/a",
    "na",
    "NAN",
    "<NA>",
    "-nan",
    "nan(ind)",
    "\\N",
    "#DIV/0!",
    "(null)",
    "Inf",
  ];
  it.each(MARKERS)(
    "%s in a column of numbers is an error that shows it, and missing where that is said",
    (marker) =>
      inCase("", async (folder) => {
        const rows = ["1,2", "2,4.1", `3,${marker}`, "4,8.2", "5,9.9", `${marker},12.1`, "7,13.8"];
        writeFileSync(join(folder, "d.csv"), `x,y\n${rows.join("\n")}\n`);
        const { message, hint } = await refusal(folder, "train", "d.csv");
        expect(message).toBe(`goml: d.csv:4: column "y": expected a number, found ${JSON.stringify(marker)}`);
        expect(hint).toContain("means a missing value: --na-values");
        writeFileSync(join(folder, "clean.csv"), "x,y\n1,2\n2,4.1\n4,8.2\n5,9.9\n7,13.8\n");
        const { coefficients, data } = await fit(folder, "d.csv", "--na-values", marker);
        expect(coefficients).toEqual(near((await fit(folder, "clean.csv")).coefficients));
        expect(data.dropped).toBe(2);
      }),
  );

  it("are no levels where they are the majority", () =>
    inCase("", async (folder) => {
      const rows = Array.from({ length: 40 }, (_, i) => `${i % 4 === 3 ? i : "?"},${i},${2 * i}`);
      writeFileSync(join(folder, "d.csv"), `s,x,y\n${rows.join("\n")}\n`);
      expect((await refusal(folder, "train", "d.csv")).message).toContain(
        'column "s": expected a number, found "?"',
      );
      expect((await fit(folder, "d.csv", "--na-values", "s=?")).n).toBe(10);
    }));

  it("-999 is a number, and doubted", () =>
    inCase("", async (folder) => {
      writeFileSync(join(folder, "d.csv"), "x,y\n1,2\n2,4.1\n-999,6\n4,8.2\n5,9.9\n");
      expect((await fit(folder, "d.csv")).notes).toContain("x is -999 in some rows and nowhere near it else");
      expect((await fit(folder, "d.csv", "--na-values", "x=-999")).n).toBe(4);
    }));

  it("NA among codes of two letters is noted, and a level where that is said", () =>
    inCase("NA-is-Namibia", async (folder) => {
      for (const file of ["c.csv", "q.csv"]) {
        const { notes, data } = await fit(folder, file);
        expect(notes).toContain("NA in country is read as missing");
        expect(data.dropped).toBe(15);
      }
      // lm(y ~ ., read.csv("c.csv", na.strings = ""))
      expect((await fit(folder, "c.csv", "--na-values", "country=")).coefficients).toEqual(
        near({
          "(Intercept)": 40.857388316151201,
          countryUS: -35.057584683357881,
          countryZA: -40.128792341678924,
          x: 0.931885125184094,
        }),
      );
    }));

  it("make a row missing before a level of it can be unseen", () =>
    inCase("diagnose-level-of-an-incomplete-row", async (folder) => {
      expect((await fit(folder, "d.csv", "-t", "y")).n).toBe(7);
      expect(await run(folder, ["evaluate", "d.csv"])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/7 of 8 rows, 1 dropped/),
      });
      expect((await run(folder, ["predict", "d.csv", "-q"])).stdout.split("\n")[6]).toBe("NA");
      // hatvalues(lm(y ~ g + x, d))
      const { code } = await run(folder, ["diagnose", "d.csv", "-o", "rows.csv", "-q"]);
      expect(code).toBe(0);
      const leverages = readFileSync(join(folder, "rows.csv"), "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((row) => Number(row.split(",")[3]));
      const hat = [
        0.517970401691332, 0.471458773784355, 0.289640591966173, 0.33615221987315, 0.264270613107822,
      ];
      expect(leverages.slice(0, 5)).toEqual(hat.map((value) => expect.closeTo(value, 12)));
    }));
});

describe("columns that the head of a file does not show", () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };

  it("are looked for further down: empty for 16,000 rows, numbers after", () =>
    inCase("", async (folder) => {
      const next = random(3);
      const rows = Array.from({ length: 20_000 }, (_, i) => {
        const [b, s] = [next(), next()].map((value) => value.toFixed(4)) as [string, string];
        return i < 16_000
          ? `,${b},${(1 + Number(b)).toFixed(4)}`
          : `${s},${b},${(1 + Number(b) + 5 * Number(s)).toFixed(4)}`;
      });
      const text = `sensor,b,y\n${rows.join("\n")}\n`;
      writeFileSync(join(folder, "sparse.csv"), text);
      const exact = {
        "(Intercept)": expect.closeTo(1, 3),
        sensor: expect.closeTo(5, 3),
        b: expect.closeTo(1, 3),
      };
      for (const args of [[], ["-f", "sensor,b"], ["--formula", "y ~ sensor + b"]]) {
        const { coefficients, data, notes } = await fit(folder, "sparse.csv", ...args);
        expect(coefficients).toEqual(exact);
        expect(data).toMatchObject({ rows: 20_000, dropped: 16_000 });
        expect(notes).toContain("sensor has no value before row 16,001");
      }
      expect((await fit(folder, "sparse.csv", "-t", "sensor")).n).toBe(4000);
      const { stdout } = await run(folder, ["train", "-", "--json"], text);
      expect(JSON.parse(stdout).data).toMatchObject({ dropped: 16_000 });
    }));

  it("are an error where they hold text for long, and numbers after", () =>
    inCase("", async (folder) => {
      const next = random(3);
      const rows = Array.from({ length: 16_000 }, (_, i) => {
        const b = next().toFixed(4);
        return `${i < 12_000 ? "offline" : (2 * next()).toFixed(3)},${b},${1 + Number(b)}`;
      });
      writeFileSync(join(folder, "s.csv"), `sensor,b,y\n${rows.join("\n")}\n`);
      for (const threads of ["1", "2"]) {
        const { code, message, hint } = await refusal(folder, "train", "s.csv", "--threads", threads);
        expect(code).toBe(3);
        expect(message).toMatch(
          /^goml: s\.csv:12002: column "sensor": found the number "[\d.]+" in a column that held text/,
        );
        expect(hint).toContain('if "offline" means a missing value: --na-values offline');
      }
      expect((await fit(folder, "s.csv", "--na-values", "offline")).data).toMatchObject({ dropped: 12_000 });
      writeFileSync(
        join(folder, "h.csv"),
        `sensor,b,y\n${[...rows.slice(0, 700), ...rows.slice(12_000, 12_300)].join("\n")}\n`,
      );
      expect((await refusal(folder, "train", "h.csv")).message).toContain(
        'expected a number, found "offline"',
      );
    }));

  it("are doubted where a text beyond it is no word: a marker, a date", () =>
    inCase("", async (folder) => {
      const write = (odd: (i: number) => string) =>
        writeFileSync(
          join(folder, "d.csv"),
          `g,x,y\n${Array.from({ length: 40_000 }, (_, i) => `${i < 35_000 ? "ab"[i % 2] : odd(i)},${i % 7},${(i * 3) % 11}`).join("\n")}\n`,
        );
      write(() => "?");
      expect((await fit(folder, "d.csv")).notes).toContain(
        'g has the level "?"; if that means a missing value, say so (na-values g=?)',
      );
      expect(await fit(folder, "d.csv", "--na-values", "g=?")).toMatchObject({ n: 35_000, notes: "" });
      write((i) => `2024-01-0${1 + (i % 9)}`);
      expect((await fit(folder, "d.csv")).notes).toContain(
        "g is read as text, though it holds dates too, such as 2024-01-0",
      );
      write(() => "c");
      expect((await fit(folder, "d.csv")).notes).toBe("");
    }));

  it("classes 1, 2, 3 and crew are a factor where that is said", () =>
    inCase("", async (folder) => {
      const rows = Array.from(
        { length: 24 },
        (_, i) => `${["1", "2", "3", "crew"][i % 4]},${i},${(i % 4) + 0.1 * i}`,
      );
      writeFileSync(join(folder, "d.csv"), `class,x,y\n${rows.join("\n")}\n`);
      const { message, hint } = await refusal(folder, "train", "d.csv");
      expect(message).toBe('goml: d.csv:5: column "class": expected a number, found "crew"');
      expect(hint).toContain("to take the column as text: --text class");
      for (const args of [
        ["--text", "class"],
        ["--formula", "y ~ factor(class) + x"],
      ]) {
        const { coefficients } = await fit(folder, "d.csv", ...args);
        expect(Object.keys(coefficients).filter((name) => /class\)?[23c]/.test(name))).toHaveLength(3);
      }
    }));

  it.each(["t.csv", "n.csv"])(
    "a NUL beyond the head is an error with its line, in a text and in a number: %s",
    (file) =>
      inCase("", async (folder) => {
        const rows = Array.from(
          { length: 30_000 },
          (_, i) => `${i % 2 ? "aa" : "bb"},${i % 97},${(i % 97) * 2 + (i % 5)}`,
        );
        rows[21_401] = file === "t.csv" ? "a\0a,61,123" : "aa,\x0061,123";
        writeFileSync(join(folder, file), `g,x,y\n${rows.join("\n")}\n`);
        expect((await refusal(folder, "train", file)).message).toBe(
          `goml: ${file}:21403: a NUL (zero byte) in the text`,
        );
      }),
  );

  it("bytes that are not UTF-8 beyond the head are an error with their line, and read in their encoding", () =>
    inCase("", async (folder) => {
      const rows = Array.from(
        { length: 30_000 },
        (_, i) => `${["Malmö", "Malmä"][i % 2]},${i % 97},${(i % 97) * 2 + (i % 5) + (i % 2)}`,
      );
      const text = `town,x,y\n${rows.map((row, i) => (i < 20_000 ? row.replace(/ö|ä/, "o") : row)).join("\n")}\n`;
      writeFileSync(join(folder, "d.csv"), Buffer.from(text, "latin1"));
      const { message, hint } = await refusal(folder, "train", "d.csv");
      expect(message).toBe("goml: d.csv:20002: the text is not valid UTF-8");
      expect(hint).toContain("--encoding windows-1252");
      const { coefficients } = await fit(folder, "d.csv", "--encoding", "latin1");
      expect(Object.keys(coefficients)).toEqual(
        ["(Intercept)", "townMalmä", "townMalmö", "x"].sort(
          (a, b) =>
            ["(Intercept)", "townMalmo", "townMalmä", "townMalmö", "x"].indexOf(a) -
            ["(Intercept)", "townMalmo", "townMalmä", "townMalmö", "x"].indexOf(b),
        ),
      );
    }));
});

describe("UTF-32", () => {
  const text = `x,y\n${Array.from({ length: 9 }, (_, i) => `${i},${(i * i) % 5}`).join("\n")}\n`;
  it.each([
    ["UTF-32LE", true, "UTF-32"],
    ["UTF-32BE", true, "UTF-32"],
    ["UTF-32LE", false, "UTF-32LE"],
    ["UTF-32BE", false, "UTF-32BE"],
  ] as const)("%s, with a mark: %s, is named with what converts it", (encoding, mark, from) =>
    inCase("", async (folder) => {
      const points = [...(mark ? "\ufeff" : ""), ...text].map((character) => character.codePointAt(0)!);
      const bytes = Buffer.alloc(4 * points.length);
      for (const [i, point] of points.entries())
        if (encoding === "UTF-32LE") bytes.writeUInt32LE(point, 4 * i);
        else bytes.writeUInt32BE(point, 4 * i);
      writeFileSync(join(folder, "d.csv"), bytes);
      writeFileSync(join(folder, "clean.csv"), text);
      for (const options of [[], ["--encoding", "utf-16"]]) {
        const { code, message, hint } = await refusal(folder, "train", "d.csv", ...options);
        expect([code, message]).toEqual([3, "goml: d.csv: the text is UTF-32, expected UTF-8"]);
        expect(hint).toContain(`iconv -f ${from} -t UTF-8 d.csv`);
      }
      // What the hint says is what reads it.
      const { hint } = await refusal(folder, "train", "d.csv");
      const command = hint.slice(hint.indexOf("iconv")).trim();
      writeFileSync(join(folder, "u.csv"), execFileSync("sh", ["-c", command], { cwd: folder }));
      expect((await fit(folder, "u.csv")).coefficients).toEqual(
        (await fit(folder, "clean.csv")).coefficients,
      );
    }),
  );
});

describe("dialects", () => {
  it.each(["crlf-head", "lf-head", "crcrlf", "cr-only", "cr-one", "cr-head"])("line ends: %s", (file) =>
    inCase("mixed-line-ends", async (folder) => {
      // lm(y ~ ., read.csv("lf.csv"))
      const expected = near({ "(Intercept)": 1.00139443086996, a: 1.96187019659249, b: -1.16536201616898 });
      const { coefficients, n } = await fit(folder, `${file}.csv`);
      expect(coefficients).toEqual(expected);
      expect(n).toBe(20);
    }),
  );

  it("a comment is no row, and #N/A no comment", () =>
    inCase("", async (folder) => {
      const rows = (first: string, more = "") =>
        `a,b,y\n1,2,3\n${more}2,5,4\n${first},1,6\n4,4,9\n5,7,8 # so\n`;
      const write = (text: string) => writeFileSync(join(folder, "d.csv"), text);
      write(rows("3"));
      const full = await fit(folder, "d.csv", "--comment", "#");
      expect(full).toMatchObject({ n: 5, notes: "" });
      for (const error of ["#N/A", "#DIV/0!", "#n/a", "#NAME?"]) {
        // The last cell of a file too.
        write(`${rows(error)}7,2,${error}`);
        expect((await refusal(folder, "train", "d.csv", "--comment", "#")).message).toBe(
          `goml: d.csv:4: column "a": expected a number, found ${JSON.stringify(error)}`,
        );
        const { data } = await fit(folder, "d.csv", "--comment", "#", "--na-values", error);
        expect(data).toMatchObject({ rows: 6, dropped: 2 });
      }
      for (const comment of ["#N/A: not measured", "# a note", "#N", "#NAME?,x", "#", "#N/AB,1,2"]) {
        write(rows("3", `${comment}\n`));
        const one = comment === "#NAME?,x";
        if (one)
          expect((await refusal(folder, "train", "d.csv", "--comment", "#")).message).toContain("found 2");
        else expect((await fit(folder, "d.csv", "--comment", "#")).coefficients).toEqual(full.coefficients);
      }
      write(rows("3", "#7,8,9\n#1,2,3\n"));
      const { notes, coefficients } = await fit(folder, "d.csv", "--comment", "#");
      expect(notes).toContain(
        "line 3 and 1 more begin with # and are passed over, with as many cells as a row; quote a first cell that begins so",
      );
      expect(coefficients).toEqual(full.coefficients);
      write("a b y\n1 2 3\n2 5 4\n#N/A 1 6\n4 4 9\n5 7 8\n");
      expect((await fit(folder, "d.csv", "--comment", "#")).notes).toContain("line 4 begins with # and is");
    }));

  it("the end mark of DOS ends a file, and is an error before", () =>
    inCase("", async (folder) => {
      const write = (text: string) => writeFileSync(join(folder, "d.csv"), text);
      const text = (n: number, odd: (i: number) => string = () => "") =>
        `x,y,g\n${Array.from({ length: n }, (_, i) => `${i % 7},${(i * 3) % 11},${"abc"[i % 3]}${odd(i)}\n`).join("")}`;
      const args = ["-t", "y"];
      write(text(24));
      const clean = await fit(folder, "d.csv", ...args);
      for (const end of ["\x1a", "\x1a\x1a", "\x1a\r\n", "\x1a\n\n"])
        for (const before of [text(24), text(24).trimEnd()]) {
          write(before + end);
          expect((await fit(folder, "d.csv", ...args)).coefficients).toEqual(clean.coefficients);
        }
      // In the head of a file and past it; behind the last cell, and on a line of its own.
      for (const n of [24, 30_000])
        for (const [mark, line] of [
          ["\x1a", n - 4],
          ["\n\x1a", n - 3],
        ] as const) {
          const marked = text(n, (i) => (i === n - 6 ? mark : ""));
          write(marked);
          for (const how of [["d.csv"], ["d.csv", "--threads", "2"], ["-"]]) {
            const { code, stderr } = await run(folder, ["train", ...how, ...args], marked);
            expect({ code, stderr }).toEqual({
              code: 3,
              stderr: expect.stringMatching(
                new RegExp(
                  `^goml: (d\\.csv|standard input):${line}: a Ctrl-Z, with which DOS ends a text, and more after it\n.*tr -d`,
                ),
              ),
            });
          }
        }
      write(`${text(30_000).trimEnd()}\x1a`);
      expect(Object.keys((await fit(folder, "d.csv", ...args)).coefficients)).toEqual([
        "(Intercept)",
        "x",
        "gb",
        "gc",
      ]);
    }));

  it("columns aligned by blanks", () =>
    inCase("whitespace-delimited", async (folder) => {
      // lm(y ~ ., read.table("w.txt", header = TRUE))
      const expected = near({ "(Intercept)": 1.05951465572108, a: 2.081022865162829, b: -0.870279173633312 });
      for (const args of [
        ["w.txt"],
        ["w.txt", "--delimiter", " "],
        ["one.txt", "--delimiter", " "],
        ["one.txt"],
      ])
        expect((await fit(folder, ...args)).coefficients).toEqual(expected);
    }));

  it.each([
    ["d.bz2", "BZh91AY&SY\0", "compressed with bzip2", "bzip2 -dc d.bz2"],
    ["d.xz", "\xfd7zXZ\0\0\x04", "compressed with xz", "xz -dc d.xz"],
    ["d.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an old Excel workbook (.xls)", "xls2csv d.xls"],
    ["d.xlsx", "PK\x03\x04\0\0[Content_Types].xml", "an Excel workbook (.xlsx)", "read_xlsx('d.xlsx')"],
    ["d.zip", "PK\x03\x04\0\0d.csv", "a zip archive", "unzip -p d.zip"],
    ["page.csv", "<!DOCTYPE html>\n<html><title>Sign in</title></html>\n", "a web page (HTML)", "download"],
    ["d.json", '[{"x":1,"y":2},{"x":2,"y":4}]\n', "JSON", "read_json('d.json')"],
    ["d.arrow", "ARROW1\0\0", "an Arrow file that cannot be read", "damaged"],
    ["d.db", "SQLite format 3\0", "an SQLite database", "name it as sqlite:d.db"],
    ["d.parquet", "PAR1\x15\x04", "a Parquet file", "damaged"],
  ])("%s is named as what it is", (file, start, kind, command) =>
    inCase("", async (folder) => {
      writeFileSync(join(folder, file), Buffer.from(start, "latin1"));
      const { code, message, hint } = await refusal(folder, "train", file);
      expect(code).toBe(3);
      expect(message).toMatch(new RegExp(`^goml: ${file}: this is ${kind.replace(/[().]/g, "\\$&")}`));
      expect(hint).toContain(command);
    }),
  );
});

describe("names and lists", () => {
  it("are compared in composed form", () =>
    inCase("unicode-names", async (folder) => {
      await fit(folder, "nfc.csv");
      expect(await run(folder, ["predict", "nfd.csv", "-q"])).toMatchObject({
        code: 0,
        stdout: "prediction\n2\n4.05\n",
      });
      await fit(folder, "nfd2.csv", "-t", "y", "-f", "caf\u00e9");
    }));

  it("may be odd", () =>
    inCase("odd-names", async (folder) => {
      const all = await fit(folder, "odd.csv");
      expect(Object.keys(all.coefficients)).toContain("price, EUR");
      for (const features of ['"price, EUR",log', "price, EUR,log"])
        expect(Object.keys((await fit(folder, "odd.csv", "-t", "y", "-f", features)).coefficients)).toEqual([
          "(Intercept)",
          "price, EUR",
          "log",
        ]);
      await fit(folder, "odd.csv", "--formula", "y ~ `price, EUR` + `(Intercept)` + log");
      // Every format predicts what goml does; test/interchange/hostile.test.ts runs such names in all of them.
      await fit(folder, "odd.csv");
      const predicted = (await run(folder, ["predict", "odd.csv", "-q"])).stdout.trim().split("\n").slice(1);
      const [names, ...rows] = parse(readFileSync(join(folder, "odd.csv"), "utf8")) as string[][];
      for (const format of ["ts", "sql", "pmml", "onnx", "json"])
        expect(
          await run(folder, ["export", "model.json", "--to", format, "-o", `m.${format}`]),
        ).toMatchObject({ code: 0 });
      const { code } = transformSync(readFileSync(join(folder, "m.ts"), "utf8"), { loader: "ts" });
      writeFileSync(join(folder, "m.mjs"), code);
      const { predict } = await import(pathToFileURL(join(folder, "m.mjs")).href);
      const record = (cells: string[]) =>
        Object.fromEntries(names!.map((name, j) => [name.trim(), Number(cells[j])]));
      expect(rows.map((cells) => predict(record(cells)))).toEqual(
        predicted.map((text) => expect.closeTo(Number(text), 12)),
      );
    }));

  it("add up, and stand in quotes where a comma is in them", () =>
    inCase("feature-list-syntax", async (folder) => {
      expect(Object.keys((await fit(folder, "s.csv", "-t", "y", "-f", "a, b")).coefficients)).toEqual([
        "(Intercept)",
        "a",
        "b",
      ]);
      for (const args of [
        ["-f", '"a, m",b'],
        ["-f", "a, m", "-f", "b"],
        ["-f", "b", "-f", "a, m"],
      ])
        expect(Object.keys((await fit(folder, "c.csv", "-t", "y", ...args)).coefficients).sort()).toEqual([
          "(Intercept)",
          "a, m",
          "b",
        ]);
      expect(Object.keys((await fit(folder, "r.csv", "--reference", "g=x=1")).coefficients)).toEqual([
        "(Intercept)",
        "gx=0",
        "gx=2",
      ]);
    }));

  it("--no-header names columns V1, V2, …", () =>
    inCase("no-header-names", async (folder) => {
      expect(Object.keys((await fit(folder, "nh.csv", "--no-header", "-t", "V3")).coefficients)).toEqual([
        "(Intercept)",
        "V1",
        "V2",
      ]);
      // The training file is read again as it was; another one as it is said.
      expect(await run(folder, ["predict", "nh.csv", "-q"])).toMatchObject({ code: 0 });
    }));

  it("are those of version 0.1 for a model of that version", () =>
    inCase("no-header-names", async (folder) => {
      await fit(folder, "nh.csv", "--no-header");
      const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
      delete model.reading;
      const old = JSON.stringify({ ...model, schema: 1 }).replace(/\bV([123])\b/g, "x$1");
      writeFileSync(join(folder, "old.json"), old);
      const [now, then] = [
        await run(folder, ["predict", "nh.csv", "-q"]),
        await run(folder, ["predict", "nh.csv", "--no-header", "-q", "-m", "old.json"]),
      ];
      expect(then).toEqual({ ...now, code: 0 });
    }));

  it("--append writes no second column of one name", () =>
    inCase("append-twice", async (folder) => {
      await fit(folder, "a.csv");
      await run(folder, ["predict", "a.csv", "--append", "-q", "-o", "p1.csv"]);
      await run(folder, ["predict", "p1.csv", "--append", "-q", "-o", "p2.csv"]);
      expect(readFileSync(join(folder, "p2.csv"), "utf8").split("\n")[0]).toBe(
        "a,b,y,prediction,prediction_2",
      );
      expect(await run(folder, ["predict", "p2.csv", "-q"])).toMatchObject({ code: 0 });
    }));

  it("the target is not to be excluded", () =>
    inCase("target-error-hint", async (folder) => {
      for (const args of [[], ["-t", "y"]]) {
        const { message, hint } = await refusal(folder, "train", "t.csv", ...args);
        expect(message).toBe('goml: t.csv:4: column "y": expected a number, found "?"');
        expect(hint).toBe("hint: if \"?\" means a missing value: --na-values '?'");
      }
    }));
});

describe("dates", () => {
  it("are left out with a note that names what a formula can make of them", () =>
    inCase("dates", async (folder) => {
      const { coefficients, notes } = await fit(folder, "sales.csv");
      expect(Object.keys(coefficients)).toEqual(["(Intercept)", "price"]);
      expect(notes).toContain(
        "left out: when, it holds dates; a formula can have as.Date(when), weekdays(when), months(when), year(when), hour(when)",
      );
      expect((await refusal(folder, "train", "sales.csv", "--formula", "sold ~ when")).message).toContain(
        "column when holds dates",
      );
      expect((await refusal(folder, "train", "sales.csv", "-f", "when,price")).code).toBe(3);
    }));

  it("are terms as R has them", () =>
    inCase("dates", async (folder) => {
      // d$when <- strptime(d$when, "%Y-%m-%dT%H:%M:%S", tz = "UTC"); LC_ALL=C
      // lm(sold ~ price + as.numeric(as.Date(when)) + weekdays(when) + as.numeric(format(when, "%H")), d)
      const numbers = await fit(
        folder,
        "sales.csv",
        "--formula",
        "sold ~ price + as.Date(when) + weekdays(when) + hour(when)",
      );
      expect(numbers.coefficients).toEqual(
        near({
          "(Intercept)": -961.4176078887616,
          price: -3.1217202939700686,
          "as.Date(when)": 0.0508745654542506,
          "weekdays(when)Monday": -0.9807995012001216,
          "weekdays(when)Saturday": 5.3242229005369595,
          "weekdays(when)Sunday": 4.7330026014507913,
          "weekdays(when)Thursday": -0.1367724209611807,
          "weekdays(when)Tuesday": -0.1651474863931359,
          "weekdays(when)Wednesday": 0.1356773689888083,
          "hour(when)": 0.4373621186356866,
        }),
      );
      // lm(sold ~ price + months(when) + as.numeric(format(when, "%Y")), d)
      const months = await fit(
        folder,
        "sales.csv",
        "--formula",
        "sold ~ price + months(as.Date(when)) + year(when)",
      );
      expect(months.coefficients).toMatchObject(
        near({
          "(Intercept)": 54.249718818813868,
          price: -3.246710000716129,
          "months(as.Date(when))December": -4.758663654162786,
          "months(as.Date(when))June": 4.918766183692595,
          "months(as.Date(when))November": -7.371770517097533,
        }),
      );
      expect(months.coefficients["year(when)"]).toBeNull();
      expect(await run(folder, ["predict", "sales.csv", "-q"])).toMatchObject({ code: 0 });
      for (const format of ["sql", "ts", "json"])
        expect((await run(folder, ["export", "model.json", "--to", format])).code).toBe(0);
      for (const format of ["onnx", "pmml"])
        expect(await refusal(folder, "export", "model.json", "--to", format, "-o", "model.out")).toEqual({
          code: 4,
          message: `goml: months(when) is made of dates, which ${format.toUpperCase()} cannot compute`,
          hint: "hint: make the column beforehand and train on that, or export to sql, ts or json",
        });
    }));

  it.each([
    ["12/30/2023", "1/5/2024"],
    ["30.12.2023", "5.1.2024"],
    ["30 Dec 2023", "5 Jan 2024"],
    ["30-DEC-23", "05-JAN-24"],
    ["December 30, 2023", "January 5, 2024"],
    ["Sat, 30 Dec 2023 05:00:00 GMT", "Fri, 5 Jan 2024 06:00:00 GMT"],
    ["30. Dezember 2023", "5. März 2024"],
    ["30 de diciembre de 2023", "5 de enero de 2024"],
    ["30 déc. 2023", "5 févr. 2024"],
    ["20231230T050000Z", "20240105T060000Z"],
    ["2023-W52", "2024-W01"],
    ["2023-12", "2024-01"],
  ])("in other forms are left out with a note, and are levels where that is said: %s", (one, other) =>
    inCase("", async (folder) => {
      const rows = Array.from(
        { length: 12 },
        (_, i) => `"${i % 2 ? one : other}","${i % 3} Series ${2019 + (i % 2)}",${i % 5},${(i * 7) % 11}`,
      );
      writeFileSync(join(folder, "d.csv"), `when,car,x,y\n${rows.join("\n")}\n`);
      const { coefficients, notes } = await fit(folder, "d.csv");
      expect(Object.keys(coefficients)).toHaveLength(7);
      expect(notes).toContain("left out: when, it holds dates; where they are written year-month-day");
      const text = await fit(folder, "d.csv", "--text", "when", "-f", "when,x");
      expect(Object.keys(text.coefficients)).toHaveLength(3);
    }),
  );

  it("that are none are an error with cell and line", () =>
    inCase("", async (folder) => {
      writeFileSync(
        join(folder, "d.csv"),
        "when,y\n2024-01-31,1\n2024-02-29,2\n2024-02-30,3\n2024-03-01,5\n",
      );
      expect(await refusal(folder, "train", "d.csv", "--formula", "y ~ as.Date(when)")).toEqual({
        code: 3,
        message:
          'goml: d.csv:4: column "when": expected a date (year-month-day) for as.Date(), found "2024-02-30"',
        hint: "hint: correct the cell, or leave it empty if the value is missing",
      });
    }));
});
