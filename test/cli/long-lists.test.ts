import { expect, test } from "vitest";
import { displayWidth } from "../../src/cli/render/table.js";
import { inFolder, goml as run } from "./goml.js";

/** Reproducible numbers about 0. */
function* noise(seed: number): Generator<number, never, void> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 31 - 1;
  }
}

/** Rows of 80 features, of which two matter, and 70 groups. */
function wide(): string {
  const draw = noise(7);
  const names = Array.from({ length: 80 }, (_, j) => `the_length_of_side_${j + 1}_of_the_polygon`);
  const lines = [["shop", ...names, "y"].join()];
  for (let i = 0; i < 280; i++) {
    const x = names.map(() => draw.next().value);
    lines.push([`s${i % 70}`, ...x, 3 * x[0]! - 2 * x[1]! + draw.next().value].join());
  }
  return `${lines.join("\n")}\n`;
}

const lengthOf = (text: string) => text.trimEnd().split("\n").length;

test("long lists are short, whole with --all, and as wide as COLUMNS says", { timeout: 60_000 }, async () => {
  await inFolder({ "wide.csv": wide() }, async (folder) => {
    const goml = (args: string, more: Record<string, string> = {}) =>
      run(folder, args.split(" "), "", more).then(({ code, stdout, stderr }) => {
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        return stdout;
      });
    const short = await goml("train wide.csv -x shop -m wide.json");
    expect(short).toMatch(/^the_length_of_side_30_of_the_polygon /m);
    expect(short).not.toContain("side_31_");
    expect(short).toContain("\n… 50 more, --all\n");
    const all = await goml("inspect wide.json --all");
    expect(all).toMatch(/^the_length_of_side_80_of_the_polygon /m);
    const narrow = await goml("inspect wide.json", { COLUMNS: "60" });
    for (const line of narrow.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(60);
    expect(narrow).toMatch(/_side_3_.* _?/);
    expect(JSON.parse(await goml("inspect wide.json --json")).coefficients).toHaveLength(81);
    const selected = await goml("select wide.json");
    expect(selected).toMatch(/^\d+ steps from AIC /m);
    expect(lengthOf(selected)).toBeLessThan(150);
    expect(lengthOf(await goml("select wide.json --all"))).toBeGreaterThan(2000);
    const lasso = await goml("refit wide.json --lambda 0.2 --alpha 1");
    expect(lasso).toMatch(/^\d\d of 80 estimates are 0, --all shows them$/m);
    expect(lengthOf(await goml("refit wide.json --lambda 0.2 --alpha 1 --all"))).toBeGreaterThan(81);
    const groups = await goml(
      "train wide.csv --group-by shop -f the_length_of_side_1_of_the_polygon -m g.json",
    );
    expect(groups).toContain("\n… 40 more groups, --all\n");
    expect(await goml("inspect g.json --all")).toMatch(/^s69 /m);
    // Notes come before what they are about.
    const factor = await goml("train wide.csv -f shop,the_length_of_side_1_of_the_polygon -m f.json");
    expect(factor).toContain("… 59 more of shop, --all");
  });
});
