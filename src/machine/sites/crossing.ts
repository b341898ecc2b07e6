import { type Kernel, type TensorType, TypedOp } from "../op.js";
import type { Data } from "../tensor.js";
import type { CutEdge } from "./cut-edge.js";

/** Who carries values over cut edges. */
export interface Carrier {
  receive(edge: CutEdge, run: number, into: Data): Promise<void> | undefined;
  send(edge: CutEdge, run: number, data: Data): Promise<void>;
}

/** The end of a cut edge: gives the value that another site has sent, given the number of the run. */
export class Receive extends TypedOp {
  readonly name = "receive";
  override readonly attributes: { readonly from: number };
  private readonly edge: CutEdge;
  private readonly type: TensorType;
  private readonly carrier: Carrier;

  constructor(edge: CutEdge, type: TensorType, carrier: Carrier) {
    super();
    this.attributes = { from: edge.from };
    this.edge = edge;
    this.type = type;
    this.carrier = carrier;
  }

  infer(): readonly TensorType[] {
    return [this.type];
  }

  make(): Kernel {
    return {
      units: 1,
      cost: 0,
      run: ([run], output) => this.carrier.receive(this.edge, run![0]!, output),
    };
  }
}

/** The start of a cut edge: sends a value, given the number of the run. Its own result says nothing. */
export class Send extends TypedOp {
  readonly name = "send";
  override readonly attributes: { readonly to: number };
  private readonly edge: CutEdge;
  private readonly carrier: Carrier;

  constructor(edge: CutEdge, carrier: Carrier) {
    super();
    this.attributes = { to: edge.to };
    this.edge = edge;
    this.carrier = carrier;
  }

  infer(): readonly TensorType[] {
    return [{ dtype: "uint8", shape: [] }];
  }

  make(): Kernel {
    return {
      units: 1,
      cost: 0,
      run: ([value, run]) => this.carrier.send(this.edge, run![0]!, value!),
    };
  }
}
