import { OpError } from "../errors.js";
import type { Node } from "../graph.js";
import { formatShape } from "../shape.js";
import type { Data } from "../tensor.js";
import type { DeviceProgram, DeviceStep, DeviceValue } from "./device.js";
import type { DeviceKernel } from "./device-kernel.js";
import { type Region, resultsOf, sizeInBytes } from "./placement.js";

/** A region as a device runs it. `fixed` has what depends on constants alone, at the nodes' ids. */
export function programOf(
  region: Region,
  kernels: ReadonlyMap<Node, DeviceKernel>,
  fixed: readonly (Data | undefined)[],
): DeviceProgram {
  const numbers = new Map<Node, number>();
  const values: DeviceValue[] = [];
  const numberOf = (node: Node): number => {
    let number = numbers.get(node);
    if (number === undefined) {
      number = values.length;
      numbers.set(node, number);
      values.push({ bytes: sizeInBytes(node), fixed: fixed[node.id] });
    }
    return number;
  };
  const inputs = region.inputs.map(numberOf);
  const steps = region.nodes.map((node): DeviceStep => {
    const op = typeof node.op === "string" ? node.op : node.op.name;
    const shapes = node.inputs.map(({ shape }) => shape);
    return {
      kernel: kernels.get(node)!,
      inputs: node.inputs.map(numberOf),
      results: resultsOf(node).map(numberOf),
      node: node.label,
      op,
      shape: formatShape(node.shape),
      error: (cause) => new OpError(node.label, op, shapes, cause),
    };
  });
  return { values, steps, inputs, outputs: region.outputs.map(numberOf), name: nameOf(region) };
}

/** A region by its first and last node. */
function nameOf({ nodes }: Region): string {
  const [first, last] = [nodes[0]!.label, nodes.at(-1)!.label];
  return nodes.length === 1 ? `${first} on the gpu` : `${first} … ${last} on the gpu`;
}
