import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import { resolveAxis, type TensorType } from "../../machine/op.js";
import type { TopK } from "../../machine/ops/top.js";
import { sizeOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { unsigned } from "./elements.js";
import { cutOf, laneFunctions } from "./lane-text.js";
import { groupPass, input, result, WIDTH } from "./pass.js";

/** More than so many elements of a lane are left to the CPU: each is a search of the lane. */
const MOST = 64;

/** The k greatest or least of each lane: one search after another for the next behind the last, of equals the first. */
export function topK(
  op: TopK,
  [x]: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const { k, greatest } = op.attributes;
  const { dtype, shape } = x!;
  if (!["float32", "int32", "uint32"].includes(dtype) || k > MOST) return undefined;
  const axis = resolveAxis(op.attributes.axis, shape);
  const cut = cutOf(shape, [axis]);
  const [lanes, count] = [sizeOf(cut.kept), sizeOf(cut.reduced)];
  const inner = unsigned(sizeOf(shape.slice(axis + 1)));
  const key = dtype === "float32" ? "select(order(value), 2147483647i, is_nan(value))" : "value";
  const sign = greatest ? ">" : "<";
  const pass = groupPass({
    buffers: [input("x", 0, dtype), result("y", 0, dtype), result("places", 1, "int64")],
    groups: Math.ceil(lanes / WIDTH),
    width: WIDTH,
    declarations: laneFunctions(cut),
    main: `  let own = group * ${WIDTH}u + lane;
  if (own >= ${unsigned(lanes)}) { return; }
  let start = lane_start(own);
  var last_key = ${dtype === "uint32" ? "0u" : "0i"};
  var last_place = 0u;
  for (var i = 0u; i < ${unsigned(k)}; i++) {
    var known = false;
    var best_key = last_key;
    var best = 0u;
    for (var j = 0u; j < ${unsigned(count)}; j++) {
      let value = x(start + lane_offset(j));
      let key = ${key};
      let behind = i == 0u || last_key ${sign} key || (last_key == key && j > last_place);
      if (behind && (!known || key ${sign} best_key)) { known = true; best_key = key; best = j; }
    }
    let o = (own / ${inner} * ${unsigned(k)} + i) * ${inner} + own % ${inner};
    y_words[o] = x(start + lane_offset(best));
    places_words[o] = vec2<u32>(best, 0u);
    last_key = best_key;
    last_place = best;
  }`,
  });
  const operations = 8 * k * sizeOf(shape);
  return kernelOf([pass], { bytes: bytesOfAll([x!, ...results]), operations: operations * 8 });
}
