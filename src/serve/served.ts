/** What all models that are served have. */
export interface Served {
  /** Another one after each change of the file, so that threads know when theirs is old. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
}

/** A raw column of the data that a model reads: numbers (FP64) or the texts of a factor (BYTES). */
export interface InputColumn {
  readonly name: string;
  readonly datatype: "FP64" | "BYTES";
  /** Of a factor, the levels that training met. */
  readonly levels?: readonly string[] | undefined;
}

/** An input or output of a network, as the protocol describes it; lengths that are open are −1. */
export interface NetworkTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** An ONNX model as it is served: its file, from which every thread makes a machine of its own. */
export interface ServedNetwork extends Served {
  readonly kind: "network";
  readonly inputs: readonly NetworkTensor[];
  readonly outputs: readonly NetworkTensor[];
  /** The file, in shared memory. */
  readonly bytes: Uint8Array;
  /** The files beside it in which it keeps data, by their names, in shared memory. */
  readonly external: ReadonlyMap<string, Uint8Array>;
  /** What the page and the model's metadata show. */
  readonly about: {
    readonly producer: string;
    readonly opset: number;
    readonly parameters: number;
    readonly nodes: number;
  };
}

/** A copy in memory that threads share. */
export function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
