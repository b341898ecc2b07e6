import type { Adapter, AdapterInfo, Gpu, Limits } from "./api.js";

/** A GPU that was found, before it is opened. */
export interface FoundGpu {
  /** What it calls itself. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** Whether it is a program on the CPU. */
  readonly software: boolean;
  /** Bytes of one buffer, and of the memory that a workgroup shares; workgroups of a pass along an axis. */
  readonly limits: {
    readonly bufferBytes: number;
    readonly workgroupBytes: number;
    readonly workgroups: number;
  };
}

/** Why there is no GPU, and what to do. */
export interface NoGpu {
  readonly why: string;
  readonly hint: string;
}

/** Where WebGPU comes from: the browser, or the package `webgpu`. */
export type GpuSource = "navigator.gpu" | "webgpu";

/** What was found, and how. */
export interface Finding {
  readonly source: GpuSource;
  readonly gpus: readonly FoundGpu[];
  /** There where nothing was found. */
  readonly missing: NoGpu | undefined;
}

/** An adapter, kept with what it comes from, for that must live as long. */
interface Entry {
  readonly gpu: Gpu;
  readonly adapter: Adapter;
  readonly found: FoundGpu;
}

export interface Entries extends Finding {
  readonly entries: readonly Entry[];
}

const PACKAGE = "webgpu";

/** What the package gives, once per process: each looks for drivers anew. */
let instance: Gpu | undefined;

/** The GPUs of this machine, the fastest first. */
export async function entriesHere(): Promise<Entries> {
  const own = (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
  if (own !== undefined) return entriesOf("navigator.gpu", own);
  if (typeof process === "undefined" || process.versions?.node === undefined)
    return none("navigator.gpu", {
      why: "this browser has no WebGPU",
      hint: "it needs a page from https or localhost, and a browser that has WebGPU switched on",
    });
  try {
    // Named apart, so that bundlers do not look for it.
    const name: string = PACKAGE;
    const { create } = (await import(/* @vite-ignore */ name)) as { create(options: string[]): unknown };
    // Elsewhere the system's own comes first; on Linux OpenGL would only be tried in vain, and complain.
    instance ??= create(process.platform === "linux" ? ["backend=vulkan"] : []) as Gpu;
  } catch (error) {
    return none(PACKAGE, unloadable(error as NodeJS.ErrnoException));
  }
  return entriesOf(PACKAGE, instance);
}

function unloadable(error: NodeJS.ErrnoException): NoGpu {
  const { code, message } = error;
  if (code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${PACKAGE}'`))
    return { why: `the package ${PACKAGE} is not installed`, hint: `npm install ${PACKAGE}` };
  const { platform, arch } = process;
  return {
    why: `the package ${PACKAGE} cannot be loaded: ${message.split("\n")[0]}`,
    hint: `it is built for Linux (glibc), macOS and Windows; this is ${platform} ${arch}`,
  };
}

async function entriesOf(source: GpuSource, gpu: Gpu): Promise<Entries> {
  const entries: Entry[] = [];
  for (const powerPreference of ["high-performance", "low-power"] as const) {
    const adapter = await gpu.requestAdapter({ powerPreference });
    if (adapter === null) continue;
    const found = foundOf(adapter);
    if (entries.some((own) => own.found.name === found.name && own.found.driver === found.driver)) continue;
    entries.push({ gpu, adapter, found });
  }
  if (entries.length === 0) return none(source, noAdapter(source));
  return { source, entries, gpus: entries.map(({ found }) => found), missing: undefined };
}

function none(source: GpuSource, missing: NoGpu): Entries {
  return { source, entries: [], gpus: [], missing };
}

function noAdapter(source: GpuSource): NoGpu {
  if (source !== PACKAGE)
    return { why: "the browser gives none", hint: "chrome://gpu or about:support says why" };
  return {
    why: "none with a driver was found",
    hint:
      process.platform === "linux"
        ? "it takes a Vulkan driver, which vulkaninfo --summary lists; a container must be given its GPU"
        : "it takes a graphics driver",
  };
}

function foundOf({ info, limits }: Adapter): FoundGpu {
  return {
    name: info.device.replace(/-$/, "") || info.description || info.vendor || "a GPU",
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description,
    software: isSoftware(info),
    limits: {
      bufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      workgroups: limits.maxComputeWorkgroupsPerDimension,
    },
  };
}

/** Drivers in software, by what they call themselves where they do not say so. */
function isSoftware({ vendor, architecture, device, description, isFallbackAdapter }: AdapterInfo): boolean {
  if (isFallbackAdapter === true) return true;
  return /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(
    `${vendor} ${architecture} ${device} ${description}`,
  );
}

/** The limits to ask for: what the adapter has, where that is more than every one has. */
export function wantedLimits(limits: Limits): Partial<Record<keyof Limits, number>> {
  const names = [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupsPerDimension",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
  ] as const;
  return Object.fromEntries(names.map((name) => [name, limits[name]]));
}
