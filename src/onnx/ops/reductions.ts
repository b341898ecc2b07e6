import { Lanes } from "../../machine/ops/lanes.js";
import { ArgReduction, type ReductionName } from "../../machine/ops/reductions.js";
import { TopK } from "../../machine/ops/top.js";
import type { Conversion } from "../call.js";

const reduce =
  (name: ReductionName): Conversion =>
  (call) => {
    const x = call.input(0);
    const axes = call.axes(1, x.shape);
    const none = axes === undefined || axes.length === 0;
    if (none && call.flag("noop_with_empty_axes")) return x;
    return call.build.reduce(
      name,
      x,
      none ? x.shape.map((_, axis) => axis) : axes,
      call.flag("keepdims", true),
    );
  };

const place =
  (name: "argMax" | "argMin"): Conversion =>
  (call) =>
    call.build.apply(
      new ArgReduction(name, {
        axis: call.integer("axis", 0),
        keepAxes: call.flag("keepdims", true),
        last: call.flag("select_last_index"),
      }),
      call.input(0),
    );

export const reductions: Readonly<Record<string, Conversion>> = {
  ReduceSum: reduce("sumOf"),
  ReduceMean: reduce("meanOf"),
  ReduceMax: reduce("maxOf"),
  ReduceMin: reduce("minOf"),
  ReduceProd: reduce("product"),
  ReduceL1: reduce("norm1"),
  ReduceL2: reduce("norm2"),
  ReduceSumSquare: reduce("sumOfSquares"),
  ReduceLogSum: reduce("logSum"),
  ReduceLogSumExp: reduce("logSumExp"),
  ArgMax: place("argMax"),
  ArgMin: place("argMin"),
  CumSum: (call) => {
    const [axis] = call.numbers(1);
    const op = new Lanes("runningSum", {
      axis: axis!,
      exclusive: call.flag("exclusive"),
      reverse: call.flag("reverse"),
    });
    return call.build.apply(op, call.input(0));
  },
  LpNormalization: (call) =>
    call.build.apply(
      new Lanes("normalize", { axis: call.integer("axis", -1), p: call.integer("p", 2) }),
      call.input(0),
    ),
  TopK: (call) => {
    const k = call.has("k") ? call.integer("k", 0) : call.numbers(1)[0]!;
    const op = new TopK({ axis: call.integer("axis", -1), k, greatest: call.flag("largest", true) });
    return call.build.applyAll(op, [call.input(0)]);
  },
};
