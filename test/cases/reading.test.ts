import { describe, expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

/** Rows with a number, a region and an age, in no order. */
const rows = Array.from({ length: 240 }, (_, i) => {
  const age = (i * 37) % 90;
  return {
    id: `id${i}`,
    a: ((i * 7919) % 101) / 10,
    region: "NSW"[i % 3]!,
    age,
    y: (i % 3) * 2 + ((i * 31) % 17) + age / 10,
  };
});
const line = (one: (typeof rows)[number]) => `${one.id},${one.a},${one.region},${one.age},${one.y}`;
const csv = (list: typeof rows) => `id,a,region,age,y\n${list.map(line).join("\n")}\n`;
const chosen = rows.filter(({ age, region }) => age >= 18 && region !== "N");
const WHERE = 'age >= 18 & region != "N"';

async function fit(folder: string, args: string[], input?: string) {
  const { code, stdout, stderr } = await goml(folder, ["train", ...args, "--json"], input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { coefficients, data, notes, fit: statistics } = JSON.parse(stdout);
  const estimates: [string, number][] = coefficients.map((one: { term: string; estimate: number }) => [
    one.term,
    one.estimate,
  ]);
  return { estimates: Object.fromEntries(estimates), data, notes: notes.join("\n"), n: statistics.n };
}
// The same rows in other blocks: sums differ in their last bits.
const near = (estimates: Record<string, number>) =>
  Object.fromEntries(Object.entries(estimates).map(([term, value]) => [term, expect.closeTo(value, 9)]));

describe("--where", () => {
  it("fits what the rows alone would give, on any lane, thread and solver, and counts the others", () =>
    inFolder(
      { "all.csv": csv(rows), "some.csv": csv(chosen), "odd.csv": csv(rows).replaceAll("\n", "\r") },
      async (folder) => {
        const terms = ["-t", "y", "-f", "a,region,age"];
        const expected = await fit(folder, ["some.csv", ...terms]);
        for (const args of [
          ["all.csv"],
          ["all.csv", "--threads", "2"],
          ["odd.csv"],
          ["all.csv", "--solver", "qr"],
          ["-"],
        ]) {
          const found = await fit(
            folder,
            [...args, ...terms, "--where", WHERE],
            args[0] === "-" ? csv(rows) : undefined,
          );
          expect(found.estimates).toEqual(near(expected.estimates));
          expect([found.n, found.data]).toMatchObject([
            chosen.length,
            { rows: 240, dropped: 0, excluded: 240 - chosen.length },
          ]);
        }
      },
    ));

  it("is the model's in evaluate, diagnose and update; predict writes all rows, or those asked for", () =>
    inFolder(
      { "all.csv": csv(rows), "half.csv": csv(rows.slice(0, 120)), "rest.csv": csv(rows.slice(120)) },
      async (folder) => {
        const args = ["-t", "y", "-f", "a,age", "--where", WHERE];
        const whole = await fit(folder, ["all.csv", ...args]);
        expect((await goml(folder, ["evaluate", "all.csv"])).stdout).toContain(
          `${chosen.length} of 240 rows`,
        );
        expect((await goml(folder, ["diagnose", "all.csv"])).stdout).not.toContain("not the rows of the fit");
        const predicted = await goml(folder, ["predict", "all.csv"]);
        expect(predicted.stdout.split("\n")).toHaveLength(242);
        expect(predicted.stderr).toContain(
          `note: all rows are predicted; the model was trained on those for which ${WHERE}`,
        );
        for (const machine of [[], ["--machine", "tape"], ["-c", "2"]]) {
          const some = await goml(folder, ["predict", "all.csv", "--where", WHERE, "--id", "id", ...machine]);
          expect(
            some.stdout
              .trim()
              .split("\n")
              .map((text) => text.split(",")[0]),
          ).toEqual(["id", ...chosen.map(({ id }) => id)]);
        }
        await fit(folder, ["half.csv", ...args, "-m", "half.json"]);
        const { stdout } = await goml(folder, ["update", "half.json", "rest.csv", "--json"]);
        const { coefficients, fit: statistics } = JSON.parse(stdout);
        expect(statistics.n).toBe(chosen.length);
        expect(coefficients[1].estimate).toBeCloseTo(whole.estimates.a!, 9);
      },
    ));
});

describe("--id", () => {
  it("names rows in place of their numbers, and is no feature", () =>
    inFolder({ "d.csv": csv(rows) }, async (folder) => {
      const { estimates } = await fit(folder, ["d.csv", "-t", "y", "-x", "region", "--id", "age"]);
      expect(Object.keys(estimates)).toEqual(["(Intercept)", "a"]);
      await fit(folder, ["d.csv", "-t", "y", "-f", "a", "--id", "id"]);
      const { stdout } = await goml(folder, ["diagnose", "d.csv", "-o", "-", "-q"]);
      expect(
        stdout
          .split("\n")
          .slice(0, 2)
          .map((text) => text.split(",")[0]),
      ).toEqual(["id", "id0"]);
    }));
});

describe("several files", () => {
  it("are one table: columns by name, rows numbered through", () =>
    inFolder(
      {
        "all.csv": csv(rows),
        "1.csv": csv(rows.slice(0, 100)),
        "2.csv": `y;age;region;a;id\n${rows
          .slice(100)
          .map((one) => [one.y, one.age, one.region, one.a, one.id].join(";"))
          .join("\n")}\n`,
        "3.csv": "id,a,y\nx,1,2\n",
      },
      async (folder) => {
        const args = ["-t", "y", "-f", "a,region,age", "--test-size", "0.25"];
        const expected = await fit(folder, ["all.csv", ...args]);
        const found = await fit(folder, ["1.csv", "2.csv", ...args, "-m", "two.json"]);
        // The rows held out are those of the whole, for rows are numbered through.
        expect(found).toMatchObject({ n: expected.n, estimates: near(expected.estimates) });
        const [one, two] = [
          await goml(folder, ["predict", "all.csv", "-q"]),
          await goml(folder, ["predict", "1.csv", "2.csv", "-q"]),
        ];
        expect(two.stdout).toBe(one.stdout);
        expect((await goml(folder, ["evaluate", "1.csv", "2.csv"])).stdout).toBe(
          (await goml(folder, ["evaluate", "all.csv"])).stdout,
        );
        expect((await goml(folder, ["predict", "1.csv", "2.csv", "--append"])).stderr).toContain(
          "2.csv: another order of columns",
        );
        expect((await goml(folder, ["train", "1.csv", "3.csv"])).stderr).toContain(
          "3.csv: other columns than in 1.csv: it lacks region, age",
        );
      },
    ));

  it("of which some have a header and no rows are those that have rows, with a note", () =>
    inFolder(
      {
        "1.csv": csv(rows.slice(0, 100)),
        "2.csv": csv([]),
        "3.csv": csv(rows.slice(100)),
        "4.csv": "y;age;region;a;id\n",
        "5.csv": "id,a,y\n",
        "6.csv": csv([]),
      },
      async (folder) => {
        const args = ["-t", "y", "-f", "a,region,age"];
        const expected = await fit(folder, ["1.csv", "3.csv", ...args]);
        for (const files of [
          ["1.csv", "2.csv", "3.csv"],
          ["2.csv", "1.csv", "4.csv", "3.csv", "6.csv"],
        ]) {
          const found = await fit(folder, [...files, ...args]);
          expect(found).toMatchObject({ n: expected.n, estimates: near(expected.estimates) });
          expect(found.notes).toContain("2.csv has a header and no rows");
          expect(found.notes).not.toContain("same bytes");
        }
        // A file of no rows adds none, however often it comes.
        await fit(folder, ["6.csv", "1.csv", ...args, "-m", "model.json"]);
        expect(await goml(folder, ["update", "model.json", "6.csv", "3.csv"])).toMatchObject({
          code: 0,
        });
        const { stdout } = await goml(folder, [
          "predict",
          "2.csv",
          "1.csv",
          "3.csv",
          "-q",
          "-m",
          "model.json",
        ]);
        expect(stdout.trim().split("\n")).toHaveLength(1 + rows.length);
        const other = await goml(folder, ["train", "1.csv", "5.csv", ...args]);
        expect(other).toMatchObject({ code: 3 });
        expect(other.stderr).toContain("5.csv: other columns than in 1.csv: it lacks region, age");
        for (const alone of [["2.csv"], ["2.csv", "6.csv"]])
          expect((await goml(folder, ["train", ...alone, ...args])).stderr).toContain(
            "goml: 2.csv: the file has a header of 5 columns and no rows",
          );
      },
    ));

  it("of which one has numbers where another has texts are noted, unless that is said", () =>
    inFolder(
      {
        "1.csv": `g,x,y\n${rows.map(({ a, y }, i) => `${"ab"[i % 2]},${a},${y}`).join("\n")}\n`,
        "2.csv": `g,x,y\n${rows.map(({ a, y }, i) => `${i % 2},${a},${y}`).join("\n")}\n`,
      },
      async (folder) => {
        const { stdout } = await goml(folder, ["train", "1.csv", "2.csv", "--json"]);
        expect(JSON.parse(stdout).notes).toEqual([
          "g is read as text, though it holds numbers too, such as 0",
        ]);
        const said = await goml(folder, ["train", "1.csv", "2.csv", "--text", "g", "--json"]);
        expect(JSON.parse(said.stdout).notes).toEqual([]);
        expect((await goml(folder, ["train", "2.csv", "1.csv"])).stderr).toContain(
          'goml: 1.csv:2: column "g": expected a number, found "a"',
        );
      },
    ));

  it("in cv, diagnose and update too", () =>
    inFolder(
      {
        "all.csv": csv(rows),
        "1.csv": csv(rows.slice(0, 100)),
        "2.csv": csv(rows.slice(100, 170)),
        "3.csv": csv(rows.slice(170)),
      },
      async (folder) => {
        const args = ["-t", "y", "-f", "a,region"];
        const whole = await fit(folder, ["all.csv", ...args]);
        const run = async (...words: string[]) => (await goml(folder, words)).stdout;
        expect(await run("cv", "1.csv", "2.csv", "3.csv", ...args)).toBe(await run("cv", "all.csv", ...args));
        const three = JSON.parse(await run("diagnose", "1.csv", "2.csv", "3.csv", "--json"));
        const one = JSON.parse(await run("diagnose", "all.csv", "--json"));
        expect(three.rows ?? three.data.rows).toBe(one.rows ?? one.data.rows);
        expect(three.durbinWatson.statistic).toBeCloseTo(one.durbinWatson.statistic, 9);
        await fit(folder, ["1.csv", ...args, "-m", "m.json"]);
        const updated = JSON.parse(await run("update", "m.json", "2.csv", "3.csv", "--json"));
        expect(updated.fit.n).toBe(whole.n);
        expect(updated.coefficients[1].estimate).toBeCloseTo(whole.estimates.a!, 9);
        // Each of them is in the model now.
        expect((await goml(folder, ["update", "m.json", "3.csv"])).code).toBe(4);
      },
    ));
});

it("--where names itself in its errors", () =>
  inFolder({ "d.csv": csv(rows) }, async (folder) => {
    const { stderr } = await goml(folder, ["train", "d.csv", "-t", "y", "--where", "a > > 1"]);
    expect(stderr).toContain("goml: --where, character 5: expected ");
  }));
