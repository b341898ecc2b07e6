import { DataError, UsageError } from "../../../errors.js";
import { type Device, DeviceError, type Placed } from "../../../machine/index.js";
import { type Finding, findGpus, openGpu } from "../../../webgpu/index.js";
import { count } from "../../render/numbers.js";
import { print, printError } from "../../render/print.js";
import { renderTable } from "../../render/table.js";
import { drawOrRun, type GraphOptions } from "./draw-or-run.js";

/**
 * `goml graph --device auto|gpu`: a run of which a part is the GPU's. By `auto` a GPU that is missing, fails or is a program on
 * the CPU leaves all to the CPU, in a note.
 */
export async function graphOnGpu(
  path: string | undefined,
  options: GraphOptions,
  signal: AbortSignal,
): Promise<number> {
  const { device: wanted } = options;
  const cpu = (why: string) => {
    printError(`note: the CPU computes: ${why}\n`);
    return drawOrRun(path, { ...options, device: "cpu" }, signal);
  };
  // What is wrong with the options is said before anything is opened.
  if (!options.run || options.ranks !== undefined || wanted === "cpu")
    return drawOrRun(path, options, signal);
  let device: Device;
  try {
    device = await openGpu();
  } catch (error) {
    if (wanted === "auto" && error instanceof DataError) return cpu(error.message);
    throw error;
  }
  const { name, software } = device;
  try {
    if (software && wanted === "auto") return await cpu(`${name} is a program on it, no GPU`);
    if (software) printError(`note: ${name} is a program on the CPU, no GPU\n`);
    const placed = (own: Placed) => printError(`note: ${placedText(name, own)}\n`);
    return await drawOrRun(path, options, signal, { device, placement: wanted, placed });
  } catch (error) {
    if (wanted === "auto" && error instanceof DeviceError) return await cpu(error.message);
    throw error;
  } finally {
    await device.close();
  }
}

/** How many ops run where, and which are left to the CPU. */
function placedText(name: string, { ops, others }: Placed): string {
  const left = [...others].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const all = left.reduce((sum, [, own]) => sum + own, ops);
  const list = left.map(([op, own]) => (own === 1 ? op : `${count(own)} ${op}`)).join(", ");
  return `${count(ops)} of ${count(all)} ops on ${name}${list === "" ? "" : `; on the CPU: ${list}`}`;
}

/** `goml graph --devices`: the GPUs that there are, or why there is none. */
export async function listDevices(path: string | undefined, options: GraphOptions): Promise<number> {
  if (path !== undefined || options.run || options.example !== undefined)
    throw new UsageError("--devices goes alone", { hint: "goml graph --devices" });
  const finding = await findGpus();
  print(options.json ? `${JSON.stringify(finding)}\n` : findingText(finding));
  return 0;
}

function findingText({ source, gpus, missing }: Finding): string {
  if (missing !== undefined) return `no GPU: ${missing.why}\nhint: ${missing.hint}\n`;
  const rows = gpus.map(({ name, vendor, architecture, driver, software, limits }) => [
    name,
    [vendor, architecture].filter((part) => part !== "").join(" "),
    driver,
    software ? "software" : "GPU",
    `${(limits.bufferBytes / 2 ** 30).toPrecision(3)} GiB`,
    `${limits.workgroupBytes / 1024} KiB`,
  ]);
  const titles = ["name", "maker", "driver", "kind", "largest buffer", "workgroup's memory"];
  const align = ["left", "left", "left", "left", "right", "right"] as const;
  return `${renderTable({ titles, rows, align })}\nfound by ${source}\n`;
}
