import fc from "fast-check";
import { expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { countRows, rowStarts } from "../../src/kernels/reference/count.js";
import { encode, PATIENCE, place, runs } from "./bytes.js";

const kernels = new Kernels();
const csvish = fc
  .array(fc.constantFrom("1", ",", "\n", "\r\n", "\r", '"', "abc", "\n\n", "1234567890123456789,"), {
    maxLength: 120,
  })
  .map((parts) => encode(parts.join("")));

test(
  "countRows and findRowStart agree with the byte-by-byte count on any slice",
  () => {
    fc.assert(
      fc.property(csvish, fc.nat(), fc.nat(), (data, a, b) => {
        const [from, to] = [a % (data.length + 1), b % (data.length + 1)].sort((x, y) => x - y) as [
          number,
          number,
        ];
        const mark = kernels.mark();
        const at = place(kernels, data);
        expect(kernels.countRows(at + from, to - from)).toEqual(countRows(data, from, to));
        for (const inside of [false, true]) {
          const starts = rowStarts(data, from, to, inside);
          expect(kernels.findRowStart(at + from, to - from, inside)).toBe((starts[0] ?? to) - from);
        }
        kernels.release(mark);
      }),
      runs(2000),
    );
  },
  PATIENCE,
);

test("the counts of chunks add up to the rows of the whole", () => {
  const data = encode('a,b\n1,"x\ny"\n\n2,3\r\n\r\n"4","""5\n"\n6,7');
  for (let size = 1; size <= data.length; size++) {
    const at = place(kernels, data);
    let rows = 0;
    let inside = 0;
    for (let from = 0; from < data.length; from += size) {
      const count = kernels.countRows(at + from, Math.min(size, data.length - from));
      rows += inside ? count.rowsIfInside : count.rowsIfOutside;
      inside ^= count.quoteParity;
    }
    expect(rows).toBe(5);
  }
});
