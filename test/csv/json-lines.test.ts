import { describe, expect, it } from "vitest";
import { goml, inFolder } from "../cli/goml.js";

const CITIES = ["Köln", 'Bonn, "Beuel"', " a b"];
const ROWS = Array.from({ length: 300 }, (_, i) => ({
  rooms: i % 41 === 7 ? null : (i % 9) + 0.5,
  city: i % 37 === 5 ? null : CITIES[(i * 7) % 3]!,
  new: i % 4 === 1,
  y: ((i * 7919) % 211) + 3,
}));
const LINES = ROWS.map((row) => JSON.stringify(row)).join("\n");
const CSV = [
  "rooms,city,new,y",
  ...ROWS.map(
    ({ rooms, city, new: is, y }) =>
      `${rooms ?? ""},${city === null ? "" : `"${city.replaceAll('"', '""')}"`},${is ? "TRUE" : "FALSE"},${y}`,
  ),
].join("\n");

describe("JSON lines", () => {
  it("are predicted as the CSV of the same rows, from a file, a pipe and on threads", () =>
    inFolder({ "d.csv": CSV, "d.jsonl": `\uFEFF${LINES}\r\n` }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q", "-t", "y"]);
      const options = ["--interval", "prediction", "-q"];
      const { stdout } = await goml(folder, ["predict", "d.csv", ...options]);
      expect(stdout.split("\n")).toHaveLength(302);
      for (const args of [["d.jsonl"], ["d.jsonl", "-c", "2"]])
        expect(await goml(folder, ["predict", ...args, ...options])).toMatchObject({
          stdout,
          stderr: "",
          code: 0,
        });
      expect((await goml(folder, ["predict", ...options], LINES)).stdout).toBe(stdout);
      const { stdout: appended } = await goml(folder, ["predict", "d.jsonl", "--append", "-q"]);
      expect(appended.split("\n")[0]).toBe("rooms,city,new,y,prediction");
    }));

  it("train as well, numbers of a column of one key too", () =>
    inFolder(
      { "d.csv": CSV.replaceAll("TRUE", "true").replaceAll("FALSE", "false"), "d.jsonl": LINES },
      async (folder) => {
        const [one, other] = [
          JSON.parse((await goml(folder, ["train", "d.csv", "--json"])).stdout),
          JSON.parse((await goml(folder, ["train", "d.jsonl", "--json"])).stdout),
        ];
        expect(other.coefficients).toEqual(one.coefficients);
        expect(other.data).toMatchObject({ rows: one.data.rows, dropped: one.data.dropped });
      },
    ));

  it("that are not are refused with line and key", () =>
    inFolder({ "d.csv": CSV }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q", "-t", "y", "-f", "rooms"]);
      const error = async (lines: string) => {
        const { code, stderr } = await goml(folder, ["predict", "-", "-q"], lines);
        return `${code} ${stderr.split("\n")[0]}`;
      };
      expect(await error('{"rooms":1}\n{"rooms":{"n":2}}')).toBe(
        '3 goml: standard input:2: column "rooms": expected a number, a text, true, false or null, found an object',
      );
      expect(await error('{"rooms":1}\n\n{"rooms":"many"}')).toContain(
        'standard input:3: column "rooms": expected a number, found "many"',
      );
      expect(await error('{"rooms":1}\n{"rooms":2')).toContain(
        "standard input:2: expected a JSON object on each line",
      );
      // Behind the head of the file, in which keys are looked for.
      const long = `${'{"rooms":1}\n'.repeat(20_000)}{"rooms":1,"roof":2}\n`;
      expect(await error(long)).toContain('standard input:20001: column "roof": there is a value for "roof"');
      expect(await error('{"rooms":null}\n{"rooms":null}')).toBe("0 ");
    }));
});

describe("--set", () => {
  it("predicts one row, as a row of a file", () =>
    inFolder(
      {
        "d.csv": CSV.replaceAll(".5", ",5").replaceAll(/^([\d,]*),(?=[,"])/gm, '"$1",'),
        "one.csv": 'rooms,city,new\n"3,5",Köln,TRUE\n',
      },
      async (folder) => {
        await goml(folder, ["train", "d.csv", "-q", "-t", "y", "--decimal", ","]);
        const { stdout } = await goml(folder, ["predict", "one.csv", "--interval", "confidence", "-q"]);
        const set = ["predict", "--set", "rooms=3,5", "--set", "new=TRUE", "--interval", "confidence"];
        const found = await goml(folder, [...set, "--set", `city=${"Köln".normalize("NFD")}`]);
        expect(found).toMatchObject({ code: 0, stdout, stderr: expect.stringMatching(/^1 row of --set, /) });
        expect((await goml(folder, [...set, "--set", "city=NA", "-q"])).stdout).toContain("NA,NA,NA");
        for (const [args, message] of [
          [
            ["--set", "rooms=1", "--set", "City=Köln"],
            '--set City=…: the model reads no column "City"\nhint: did you mean city?',
          ],
          [["--set", "rooms=1"], "--set: columns of the model are missing: city, new"],
          [["--set", "rooms=1", "one.csv"], "--set gives a row of its own, and one.csv others"],
          [["--set", "rooms"], "expected column=value"],
          [["--set", "rooms=1", "--set", "rooms=2"], "the column has a value already"],
        ] as const)
          expect((await goml(folder, ["predict", ...args])).stderr).toContain(message);
      },
    ));
});
