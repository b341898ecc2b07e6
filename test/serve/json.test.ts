import { expect, test } from "vitest";
import { parseJson } from "../../src/serve/json.js";

test("of members that stand twice in a request the last counts", () => {
  expect(parseJson(Buffer.from('{"inputs":[1],"inputs":[2]}'))).toEqual({ inputs: [2] });
});
