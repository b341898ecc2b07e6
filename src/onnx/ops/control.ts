import { DataError } from "../../errors.js";
import { Tensor, tensor } from "../../machine/index.js";
import { Select } from "../../machine/ops/boxes.js";
import { sameShape, sizeOf } from "../../machine/shape.js";
import { type Operand, Sequence, type Value, ValuesNeeded } from "../builder.js";
import { type Call, type Conversion, isOperand } from "../call.js";

/** Rounds that a loop is unrolled for at most. */
const MOST_ROUNDS = 100_000;

/** Inputs of up to so many elements in all are asked for their values, so that only one branch is computed. */
const SMALL = 64;

/**
 * The branch that a condition chooses. Where it is known in a run only, both, and a choice between their values, if
 * both can be planned and give values alike.
 */
const branch: Conversion = (call) => {
  const condition = call.input(0);
  const { build } = call;
  if (condition instanceof Tensor)
    return call.inline(call.subgraph(condition.item() ? "then_branch" : "else_branch"), []);
  const size = build.inputsOf(condition).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (size <= SMALL) build.known(condition);
  let both: Value[][];
  try {
    both = ["then_branch", "else_branch"].map((name) => call.inline(call.subgraph(name), []));
  } catch (error) {
    // A branch that is not meant for these inputs need not fit them.
    if (error instanceof DataError) build.known(condition);
    throw error;
  }
  const [yes, no] = both as [Value[], Value[]];
  return yes.map((value, i) => {
    const other = no[i];
    const alike =
      isOperand(value) &&
      isOperand(other) &&
      value.dtype === other.dtype &&
      sameShape(value.shape, other.shape);
    // Else shapes hang on the condition.
    if (!alike) throw new ValuesNeeded(build.inputsOf(condition));
    return build.apply(new Select(), build.reshape(condition, []), value, other);
  });
};

/** Stacks the values that a body has given in its rounds. */
function stacked(call: Call, values: readonly Value[], axis = 0): Operand {
  const parts = values.map((value) => {
    if (!isOperand(value)) throw new DataError("a loop gives what is no tensor");
    const at = axis < 0 ? axis + value.shape.length + 1 : axis;
    return call.build.reshape(value, value.shape.toSpliced(at, 0, 1));
  });
  if (parts.length === 0) throw new DataError("a loop of no rounds does not say the shapes of its results");
  return call.build.concat(parts, axis < 0 ? axis + parts[0]!.shape.length : axis);
}

const loop: Conversion = (call) => {
  const body = call.subgraph("body");
  const rounds = call.inputs[0] === undefined ? Number.POSITIVE_INFINITY : call.numbers(0)[0]!;
  let going = call.inputs[1] === undefined || call.numbers(1)[0] !== 0;
  let carried: Value[] = call.inputs.slice(2);
  const count = carried.length;
  const scanned: Value[][] = [];
  for (let round = 0; going && round < rounds; round++) {
    if (round === MOST_ROUNDS) throw new DataError(`a loop of more than ${MOST_ROUNDS} rounds`);
    const number = new Tensor(BigInt64Array.of(BigInt(round)), []);
    const results = call.inline(body, [number, tensor([1], [], "bool"), ...carried]);
    const [condition] = results;
    if (!isOperand(condition)) throw new DataError("a loop without a condition");
    going = call.build.known(condition).item() !== 0;
    carried = results.slice(1, 1 + count);
    scanned.push(results.slice(1 + count));
  }
  const scans = call.node.output.length - count;
  return [
    ...carried,
    ...Array.from({ length: scans }, (_, i) =>
      stacked(
        call,
        scanned.map((own) => own[i]),
      ),
    ),
  ];
};

const scan: Conversion = (call) => {
  const { build } = call;
  const body = call.subgraph("body");
  const inputs = call.integer("num_scan_inputs", 1);
  // The first version had lengths before all others, and a batch axis.
  const first = call.opset < 9 ? 1 : 0;
  const states = call.inputs.length - first - inputs;
  const batches = first === 1 ? call.input(first + states).shape[0]! : 1;
  const sliceOf = (x: Operand, axis: number, i: number): Operand =>
    build.reshape(build.part(x, axis, i, i + 1), x.shape.toSpliced(axis, 1));
  const all = Array.from({ length: batches }, (_, batch) => {
    const own = (i: number) => {
      const x = call.input(first + i);
      return first === 1 ? sliceOf(x, 0, batch) : x;
    };
    let state: Value[] = Array.from({ length: states }, (_, i) => own(i));
    const sources = Array.from({ length: inputs }, (_, i) => own(states + i));
    const axes = sources.map((x, i) => call.axis(call.integers("scan_input_axes")?.[i] ?? 0, x.shape));
    const backward = call.integers(first === 1 ? "directions" : "scan_input_directions");
    const length = sources[0]?.shape[axes[0]!] ?? 0;
    const scanned: Value[][] = [];
    for (let step = 0; step < length; step++) {
      const parts = sources.map((x, i) =>
        sliceOf(x, axes[i]!, backward?.[i] === 1 ? length - 1 - step : step),
      );
      const results = call.inline(body, [...state, ...parts]);
      state = results.slice(0, states);
      scanned.push(results.slice(states));
    }
    const outputs = call.node.output.length - states;
    const stacks = Array.from({ length: outputs }, (_, i) => {
      const values = scanned.map((each) => each[i]);
      if (call.integers("scan_output_directions")?.[i] === 1) values.reverse();
      return stacked(call, values, call.integers("scan_output_axes")?.[i] ?? 0);
    });
    return [...state, ...stacks];
  });
  return first === 1
    ? all[0]!.map((_, i) =>
        stacked(
          call,
          all.map((each) => each[i]),
        ),
      )
    : all[0]!;
};

const items = (call: Call, i: number) => [...call.sequence(i)];

/** A place in a sequence, counted from the end where it is negative. */
function position(call: Call, input: number, length: number, otherwise: number): number {
  const given = call.optionalNumbers(input)?.[0] ?? otherwise;
  const at = given < 0 ? given + length : given;
  if (!(at >= 0 && at <= length)) throw new DataError(`position ${given} in a sequence of ${length}`);
  return at;
}

const splitToSequence: Conversion = (call) => {
  const x = call.input(0);
  const axis = call.axis(call.integer("axis", 0), x.shape);
  const length = x.shape[axis]!;
  const given = call.optionalNumbers(1);
  const scalar = given !== undefined && call.input(1).shape.length === 0;
  const size = given === undefined ? 1 : given[0]!;
  const lengths =
    given === undefined || scalar
      ? Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size))
      : given;
  let start = 0;
  const parts = lengths.map((own) => {
    const part = call.build.part(x, axis, start, start + own);
    start += own;
    const drop = given === undefined && !call.flag("keepdims", true);
    return drop ? call.build.reshape(part, part.shape.toSpliced(axis, 1)) : part;
  });
  return new Sequence(parts);
};

export const control: Readonly<Record<string, Conversion>> = {
  If: branch,
  Loop: loop,
  Scan: scan,
  SequenceEmpty: () => new Sequence([]),
  SequenceConstruct: (call) => new Sequence(call.inputs),
  SequenceLength: (call) => new Tensor(BigInt64Array.of(BigInt(call.sequence(0).length)), []),
  SequenceAt: (call) => {
    const list = items(call, 0);
    const at = position(call, 1, list.length, 0);
    if (at === list.length) throw new DataError(`position ${at} in a sequence of ${list.length}`);
    return list[at];
  },
  SequenceInsert: (call) => {
    const list = items(call, 0);
    list.splice(position(call, 2, list.length, list.length), 0, call.inputs[1]);
    return new Sequence(list);
  },
  SequenceErase: (call) => {
    const list = items(call, 0);
    list.splice(position(call, 1, list.length, -1), 1);
    return new Sequence(list);
  },
  SequenceMap: (call) => {
    const lists = call.inputs.map((value) => (value instanceof Sequence ? value.items : undefined));
    const length = lists[0]?.length ?? 0;
    const body = call.subgraph("body");
    const rounds = Array.from({ length }, (_, i) =>
      call.inline(
        body,
        call.inputs.map((value, k) => (lists[k] === undefined ? value : lists[k]![i])),
      ),
    );
    return call.node.output.map((_, k) => new Sequence(rounds.map((own) => own[k])));
  },
  SplitToSequence: splitToSequence,
  ConcatFromSequence: (call) => {
    const parts = items(call, 0).map((value) => {
      if (!isOperand(value)) throw new DataError("a sequence of what are no tensors");
      return value;
    });
    const axis = call.integer("axis", 0);
    return call.flag("new_axis") ? stacked(call, parts, axis) : call.build.concat(parts, axis);
  },
  Optional: (call) => call.inputs[0],
  OptionalHasElement: (call) => tensor([call.inputs[0] === undefined ? 0 : 1], [], "bool"),
  OptionalGetElement: (call) => call.inputs[0],
};
