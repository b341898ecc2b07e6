import { COMPUTE, type GpuHandle } from "./api.js";

/** A compiled shader, and what its buffers are to it. */
export interface Pipeline {
  readonly pipeline: object;
  readonly layout: object;
}

/** The compiled shaders of a device, each text once. */
export class Pipelines {
  private readonly handle: GpuHandle;
  private readonly known = new Map<string, Promise<Pipeline>>();

  constructor(handle: GpuHandle) {
    this.handle = handle;
  }

  /** @throws Error saying where a shader does not compile */
  of(code: string): Promise<Pipeline> {
    let own = this.known.get(code);
    if (own === undefined) {
      own = this.compile(code);
      this.known.set(code, own);
    }
    return own;
  }

  private async compile(code: string): Promise<Pipeline> {
    const { handle } = this;
    handle.pushErrorScope("validation");
    const module = handle.createShaderModule({ code });
    // Layouts say what the text does, rather than what the compiler finds used: a pass binds all its buffers.
    const layout = handle.createBindGroupLayout({
      entries: accessesIn(code).map((access, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: access === "read_write" ? ("storage" as const) : ("read-only-storage" as const) },
      })),
    });
    const compiling = handle.createComputePipelineAsync({
      layout: handle.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const [fault, pipeline] = await Promise.all([
      handle.popErrorScope(),
      compiling.catch((error: Error) => error),
    ]);
    if (fault === null && !(pipeline instanceof Error)) return { pipeline, layout };
    const { messages } = await module.getCompilationInfo();
    const first = messages.find(({ type }) => type === "error");
    const why = first === undefined ? (fault ?? (pipeline as Error)).message : first.message;
    const line = first === undefined ? "" : ` in line ${first.lineNum}`;
    throw new Error(`the shader does not compile${line}: ${why.split("\n")[0]}`);
  }
}

/** How a shader uses its buffers, in the order of their bindings. */
function accessesIn(code: string): ("read" | "read_write")[] {
  const found: ("read" | "read_write")[] = [];
  const declared =
    /@binding\(\s*(\d+)[ui]?\s*\)[^;]*?\bvar\s*<\s*storage\s*(?:,\s*(read|read_write)\s*,?\s*)?>/g;
  for (const [, binding, access] of code.matchAll(declared))
    found[Number(binding)] = access === "read_write" ? "read_write" : "read";
  return found;
}
