import { DataError, GomlError, ModelError, UsageError } from "../errors.js";
import { type DType, type Graph, type Node, Tensor } from "../machine/index.js";
import { type Shape, sizeOf } from "../machine/shape.js";
import { isFloat } from "../machine/tensor.js";
import { Builder, type Folds, Sequence, type Value, ValuesNeeded } from "./builder.js";
import { Call, isOperand } from "./call.js";
import { describe, type OnnxValue } from "./declared.js";
import { denseOf, type ExternalData, isWhole, StringTensor, sameTensorOf } from "./elements.js";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  readModelProto,
} from "./messages.js";
import { conversionOf, domainName, NEWEST, reasonAgainst } from "./ops/conversions.js";
import { isByValue, namesOf, type OnnxStage, OpenText } from "./stage.js";

/** The oldest and the newest version of the file format that goml reads. */
const IR_VERSIONS = [1, 13] as const;
/** Constants that planning may make, in bytes, beside what the file's size allows. */
const SPARE_BYTES = 2 ** 28;
/** Subgraphs and functions within each other. */
const DEEPEST = 64;

/** Nodes whose op goml does not have. */
export interface MissingOp {
  readonly op: string;
  readonly domain: string;
  readonly opset: number;
  readonly nodes: readonly string[];
}

/** A model's graph for given shapes and values. */
export interface OnnxGraph {
  readonly graph: Graph;
  /** The inputs whose values a run takes. */
  readonly inputs: ReadonlyMap<string, Node>;
  /** The outputs: nodes, or values that are known already. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** The initializers that were asked for as parameters. */
  readonly parameters: ReadonlyMap<string, Node>;
  /** Every tensor of the main graph that is a node, by its name in the model. */
  readonly values: ReadonlyMap<string, Node>;
}

export interface GraphOptions {
  /**
   * Initializers that become parameters, so that they can be trained: names, or what says so of a name. They are not
   * folded into what is made of them, and none may decide shapes.
   */
  trainable?: readonly string[] | ((name: string) => boolean) | undefined;
}

/** What is known of an input before a run: a type, or its whole value. */
export type OnnxInput =
  | { readonly dtype: DType; readonly shape: Shape }
  | Tensor
  | StringTensor
  | Sequence
  | undefined;

export interface LoadOptions {
  /** Gives the bytes of the files beside the model in which it keeps data. */
  external?: ExternalData | undefined;
}

/**
 * Reads an ONNX model.
 *
 * Initializers are views of `bytes`, which must not be changed.
 *
 * @throws DataError where the bytes are no model; ModelError naming all ops, opsets and nodes that goml does not have
 * @example
 * ```js
 * import { readFileSync } from "node:fs";
 * import { loadOnnx } from "goml/onnx";
 *
 * const model = loadOnnx(readFileSync("model.onnx"));
 * console.log(model.inputs.map(({ name }) => name)); // [ 'X' ]
 * ```
 */
export function loadOnnx(bytes: Uint8Array, options: LoadOptions = {}): OnnxModel {
  return new OnnxModel(bytes, options);
}

/** A model as it was read; `graph` makes an expression graph of it for given inputs. */
export class OnnxModel {
  readonly irVersion: number;
  /** Who wrote it. */
  readonly producer: string;
  /** The versions of the operator sets by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** How often each op occurs, subgraphs included. */
  readonly ops: ReadonlyMap<string, number>;
  /** The number of elements of the initializers. */
  readonly parameters: number;
  private readonly proto: ModelProto;
  private readonly main: GraphProto;
  private readonly external: ExternalData | undefined;
  private readonly functions = new Map<string, FunctionProto>();
  private made: ReadonlyMap<string, Value> | undefined;
  private readonly mostBytes: number;
  private readonly folds: Folds = new WeakMap();
  private readonly needed = new Map<number, ReadonlySet<string>>();

  constructor(bytes: Uint8Array, { external }: LoadOptions) {
    this.proto = readModelProto(bytes);
    this.external = external;
    this.mostBytes = SPARE_BYTES + 8 * bytes.length;
    const { irVersion = 0, graph, opsetImport, metadataProps, functions } = this.proto;
    if (graph === undefined) throw new DataError("no ONNX model: there is no graph in it");
    if (!(irVersion >= IR_VERSIONS[0] && irVersion <= IR_VERSIONS[1])) {
      throw new DataError(`ir_version ${irVersion} is not supported`, {
        hint: `goml reads ${IR_VERSIONS.join(" to ")}`,
      });
    }
    this.irVersion = irVersion;
    this.main = graph;
    this.producer = [this.proto.producerName, this.proto.producerVersion].filter(Boolean).join(" ");
    this.opsets = opsetsOf(opsetImport, new Map([["ai.onnx", 1]]));
    this.metadata = new Map(metadataProps.map(({ key = "", value = "" }) => [key, value]));
    for (const own of functions) this.functions.set(`${domainName(own.domain)}.${own.name}`, own);
    // What is wrong with a tensor is said now; copies of those that are whole are made with the first graph.
    for (const proto of graph.initializer) if (!isWhole(proto)) sameTensorOf(proto, this.external);
    if (graph.sparseInitializer.length > 0) this.made = this.initializersOf(graph);
    const given = new Set([
      ...graph.initializer.map(({ name = "" }) => name),
      ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ]);
    this.inputs = graph.input.filter(({ name = "" }) => !given.has(name)).map(describe);
    this.outputs = graph.output.map(describe);
    this.ops = this.countOps();
    this.parameters = graph.initializer.reduce(
      (sum, { dims }) => sum + dims.reduce((product, length) => product * length, 1),
      0,
    );
    const missing = this.missingOps();
    if (missing.length > 0) {
      const list = missing.map(({ op, domain, opset, nodes }) => {
        const some = nodes.slice(0, 3).join(", ") + (nodes.length > 3 ? ` and ${nodes.length - 3} more` : "");
        const why = reasonAgainst(op);
        const where = `${domain} ${opset}, ${nodes.length === 1 ? "node" : "nodes"} ${some}`;
        return `${op} (${where}${why === undefined ? "" : `: ${why}`})`;
      });
      throw new ModelError(`the model has ops that goml does not: ${list.join("; ")}`);
    }
  }

  /**
   * The model as an expression graph for inputs of these types, or of these values where they are tensors.
   *
   * @throws ValuesNeeded naming the inputs whose values decide shapes; DataError naming the node that fails; UsageError
   * for an initializer that is none of floats
   */
  graph(inputs: ReadonlyMap<string, OnnxInput>, { trainable = [] }: GraphOptions = {}): OnnxGraph {
    const builder = new Builder(this.mostBytes, this.folds);
    const scope = new Map<string, Value>(this.initializers);
    const nodes = new Map<string, Node>();
    const parameters = new Map<string, Node>();
    for (const name of this.trained(trainable)) {
      const value = this.initializers.get(name);
      if (!(value instanceof Tensor && isFloat(value.dtype)))
        throw new UsageError(`the model has no initializer ${JSON.stringify(name)} of floats to train`);
      const parameter = builder.graph.parameter(name, value);
      parameters.set(name, parameter);
      scope.set(name, parameter);
    }
    for (const { name, kind } of this.inputs) {
      const given = inputs.get(name);
      if (given === undefined && kind !== "optional" && !inputs.has(name))
        throw new DataError(`input ${name} is not given`);
      scope.set(name, entered(name, given, builder, nodes));
    }
    const outputs = this.run(this.main, scope, builder, this.opsets, 0);
    return {
      graph: builder.graph,
      inputs: nodes,
      outputs: new Map(this.main.output.map(({ name = "" }, i) => [name, outputs[i]])),
      parameters,
      values: new Map(
        [...scope].flatMap(([name, value]): [string, Node][] =>
          isOperand(value) && !(value instanceof Tensor) ? [[name, value]] : [],
        ),
      ),
    };
  }

  /** How many nodes the main graph has. */
  get length(): number {
    return this.main.node.length;
  }

  /**
   * The stage of the main graph from node `start` on, for values of these types, or these values. It ends before the
   * first node that asks for values which only a run knows, or reads such text.
   *
   * @throws DataError naming the node that fails
   */
  stage(start: number, given: ReadonlyMap<string, OnnxInput | OpenText>): OnnxStage {
    const builder = new Builder(this.mostBytes, this.folds);
    const scope = new Map<string, Value>(this.initializers);
    const inputs = new Map<string, Node>();
    const texts = new Map<string, OpenText>();
    for (const [name, value] of given) {
      if (value instanceof OpenText) texts.set(name, value);
      else scope.set(name, entered(name, value, builder, inputs));
    }
    let end = start;
    let byValue = false;
    let asked: ReadonlyMap<string, number> = new Map();
    for (; end < this.main.node.length; end++) {
      const node = this.main.node[end]!;
      const { direct, within } = namesOf(node);
      const read = [...direct, ...within].filter((name) => texts.has(name));
      byValue = read.length > 0 && within.size === 0;
      asked = new Map(read.map((name) => [name, sizeOf(texts.get(name)!.shape)]));
      if (read.length > 0) break;
      try {
        this.step(node, scope, builder, this.opsets, 0);
      } catch (error) {
        if (!(error instanceof ValuesNeeded)) throw error;
        byValue = isByValue(domainName(node.domain), node.opType ?? "");
        asked = new Map(error.inputs.map(({ name = "", shape }) => [name, sizeOf(shape)]));
        break;
      }
    }
    const live = new Map<string, Value | OpenText>();
    for (const name of this.neededFrom(end)) {
      if (texts.has(name)) live.set(name, texts.get(name)!);
      else if (scope.has(name) && (!this.initializers.has(name) || given.has(name)))
        live.set(name, scope.get(name));
    }
    return { graph: builder.graph, inputs, live, end, byValue, asked };
  }

  /** What node number i gives for values of its inputs, all of which are known. */
  evaluate(i: number, values: ReadonlyMap<string, Value>): Map<string, Value> {
    const node = this.main.node[i]!;
    const scope = new Map<string, Value>();
    for (const name of node.input)
      if (values.has(name) || this.initializers.has(name))
        scope.set(name, values.has(name) ? values.get(name) : this.initializers.get(name));
    this.step(node, scope, new Builder(this.mostBytes, this.folds), this.opsets, 0);
    return new Map(node.output.filter((name) => name !== "").map((name) => [name, scope.get(name)]));
  }

  /** The outputs' values by all that is known in the end. */
  outputsOf(values: ReadonlyMap<string, Value>): Map<string, Value> {
    return new Map(
      this.main.output.map(({ name = "" }) => {
        if (!values.has(name) && !this.initializers.has(name))
          throw new DataError(`output ${JSON.stringify(name)} is made by no node`);
        return [name, values.has(name) ? values.get(name) : this.initializers.get(name)];
      }),
    );
  }

  /** The names that nodes from number i on read, and those of the outputs. */
  neededFrom(i: number): ReadonlySet<string> {
    const known = this.needed.get(i);
    if (known !== undefined) return known;
    const names = new Set(this.main.output.map(({ name = "" }) => name));
    for (const node of this.main.node.slice(i)) {
      const { direct, within } = namesOf(node);
      for (const name of direct) names.add(name);
      for (const name of within) names.add(name);
    }
    this.needed.set(i, names);
    return names;
  }

  private trained(trainable: NonNullable<GraphOptions["trainable"]>): readonly string[] {
    if (typeof trainable !== "function") return trainable;
    return [...this.initializers]
      .filter(([name, value]) => value instanceof Tensor && isFloat(value.dtype) && trainable(name))
      .map(([name]) => name);
  }

  /** The nodes of a graph in order, with the names that `scope` knows; gives the outputs' values. */
  private run(
    graph: GraphProto,
    scope: Map<string, Value>,
    builder: Builder,
    opsets: ReadonlyMap<string, number>,
    depth: number,
  ): Value[] {
    if (depth > DEEPEST) throw new DataError(`subgraphs lie more than ${DEEPEST} deep in each other`);
    for (const node of graph.node) this.step(node, scope, builder, opsets, depth);
    return graph.output.map(({ name = "" }) => {
      if (!scope.has(name)) throw new DataError(`output ${JSON.stringify(name)} is made by no node`);
      return scope.get(name);
    });
  }

  private step(
    node: NodeProto,
    scope: Map<string, Value>,
    builder: Builder,
    opsets: ReadonlyMap<string, number>,
    depth: number,
  ): void {
    const domain = domainName(node.domain);
    const op = node.opType ?? "";
    const opset = opsets.get(domain) ?? 1;
    const inputs = node.input.map((name) => {
      if (name !== "" && !scope.has(name))
        throw new DataError(
          `${labelOf(node)}: its input ${JSON.stringify(name)} is made by no node before it`,
        );
      return name === "" ? undefined : scope.get(name);
    });
    let results: readonly Value[];
    try {
      const own = this.functions.get(`${domain}.${op}`);
      const conversion = conversionOf(domain, op);
      if (conversion === undefined && own !== undefined)
        results = this.expand(own, node, inputs, builder, depth);
      else {
        const inline = (graph: GraphProto, values: readonly Value[]) => {
          const inner = new Map([...scope, ...this.initializersOf(graph)]);
          for (const [i, { name = "" }] of graph.input.entries())
            if (i < values.length) inner.set(name, values[i]);
          return this.run(graph, inner, builder, opsets, depth + 1);
        };
        const result = conversion!(new Call(node, opset, inputs, builder, inline, this.external));
        results = Array.isArray(result) ? result : [result as Value];
      }
    } catch (error) {
      if (error instanceof ValuesNeeded) throw error;
      if (error instanceof DataError && error.message.startsWith("node ")) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const expected =
        error instanceof GomlError || error instanceof RangeError || error instanceof TypeError;
      if (!expected) throw error;
      throw new DataError(`${labelOf(node)} of opset ${opset}: ${why}`, { cause: error });
    }
    for (const [i, name] of node.output.entries()) {
      if (name === "") continue;
      const value = results[i];
      scope.set(name, value);
      if (isOperand(value) && !(value instanceof Tensor) && value.op !== "input") value.name ??= name;
    }
  }

  /** A function of the model's own, with the node's attributes in place of what refers to them. */
  private expand(
    own: FunctionProto,
    node: NodeProto,
    inputs: readonly Value[],
    builder: Builder,
    depth: number,
  ): Value[] {
    const attributes = new Map<string, AttributeProto>();
    for (const attribute of own.attributeProto) attributes.set(attribute.name ?? "", attribute);
    for (const attribute of node.attribute) attributes.set(attribute.name ?? "", attribute);
    const graph: GraphProto = {
      node: own.node.map((inner) => bound(inner, attributes)),
      initializer: [],
      sparseInitializer: [],
      input: own.input.map((name) => ({ name })),
      output: own.output.map((name) => ({ name })),
    };
    const scope = new Map<string, Value>(own.input.map((name, i) => [name, inputs[i]]));
    return this.run(graph, scope, builder, opsetsOf(own.opsetImport, this.opsets), depth + 1);
  }

  private get initializers(): ReadonlyMap<string, Value> {
    this.made ??= this.initializersOf(this.main);
    return this.made;
  }

  private initializersOf({ initializer, sparseInitializer }: GraphProto): Map<string, Value> {
    const values = new Map<string, Value>();
    for (const proto of initializer) values.set(proto.name ?? "", sameTensorOf(proto, this.external));
    for (const proto of sparseInitializer)
      values.set(proto.values?.name ?? "", denseOf(proto, this.mostBytes / 8));
    return values;
  }

  /** All nodes, those of subgraphs and functions included, with their operator sets. */
  private *allNodes(): Generator<{ node: NodeProto; opset: number }> {
    function* within(
      nodes: readonly NodeProto[],
      opsets: ReadonlyMap<string, number>,
      depth: number,
    ): Generator<{ node: NodeProto; opset: number }> {
      if (depth > DEEPEST) throw new DataError(`subgraphs lie more than ${DEEPEST} deep in each other`);
      for (const node of nodes) {
        yield { node, opset: opsets.get(domainName(node.domain)) ?? 1 };
        for (const { g, graphs } of node.attribute)
          for (const graph of g === undefined ? graphs : [g, ...graphs])
            yield* within(graph.node, opsets, depth + 1);
      }
    }
    yield* within(this.main.node, this.opsets, 0);
    for (const own of this.functions.values())
      yield* within(own.node, opsetsOf(own.opsetImport, this.opsets), 0);
  }

  private countOps(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { node } of this.allNodes()) {
      const domain = domainName(node.domain);
      const name = domain === "ai.onnx" ? (node.opType ?? "") : `${domain}.${node.opType}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  private missingOps(): MissingOp[] {
    const missing = new Map<string, { op: string; domain: string; opset: number; nodes: string[] }>();
    for (const { node, opset } of this.allNodes()) {
      const domain = domainName(node.domain);
      const key = `${domain}.${node.opType}`;
      if (conversionOf(domain, node.opType ?? "") !== undefined || this.functions.has(key)) continue;
      let own = missing.get(key);
      if (own === undefined) {
        own = { op: node.opType ?? "", domain, opset, nodes: [] };
        missing.set(key, own);
      }
      own.nodes.push(JSON.stringify(node.name || (node.output[0] ?? "")));
    }
    return [...missing.values()];
  }
}

/** A value that is known as it is; of one whose type is known, a node of the graph. */
function entered(name: string, given: OnnxInput, builder: Builder, nodes: Map<string, Node>): Value {
  if (
    given === undefined ||
    given instanceof Tensor ||
    given instanceof StringTensor ||
    given instanceof Sequence
  )
    return given;
  const node = builder.graph.input(name, given.shape, given.dtype);
  nodes.set(name, node);
  return node;
}

/** @throws DataError for a version that is newer than the conversions */
function opsetsOf(
  imports: ModelProto["opsetImport"],
  otherwise: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const opsets = new Map(otherwise);
  for (const { domain, version = 1 } of imports) {
    const name = domainName(domain);
    const newest = NEWEST[name];
    if (newest !== undefined && !(version >= 1 && version <= newest)) {
      throw new DataError(`operator set ${version} of ${name} is not supported`, {
        hint: `goml knows 1 to ${newest}`,
      });
    }
    opsets.set(name, version);
  }
  return opsets;
}

/** A node of a function, its attributes taken from the node that calls it where they refer to its attributes. */
function bound(node: NodeProto, attributes: ReadonlyMap<string, AttributeProto>): NodeProto {
  const attribute = node.attribute.flatMap((own) => {
    if (own.refAttrName !== undefined && own.refAttrName !== "") {
      const given = attributes.get(own.refAttrName);
      return given === undefined ? [] : [{ ...given, ...(own.name !== undefined && { name: own.name }) }];
    }
    const within = (graph: GraphProto): GraphProto => ({
      ...graph,
      node: graph.node.map((inner) => bound(inner, attributes)),
    });
    return [own.g === undefined ? own : { ...own, g: within(own.g) }];
  });
  return { ...node, attribute };
}

function labelOf(node: NodeProto): string {
  return `node ${JSON.stringify(node.name || (node.output[0] ?? ""))} (${node.opType})`;
}
