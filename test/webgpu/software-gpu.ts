import { existsSync } from "node:fs";
import { afterAll, beforeAll } from "vitest";
import type { Device } from "../../src/machine/index.js";
import { openGpu } from "../../src/webgpu/index.js";

/** A Vulkan driver in software, which comes with Debian's Chromium. */
export const ICD = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** What loads drivers, which Chromium's package only recommends. */
const FOLDERS = ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
const hasLoader = FOLDERS.some((folder) => existsSync(`${folder}/libvulkan.so.1`));

/** Whether a GPU in software is there to run kernels for real. */
export const hasGpu = existsSync(ICD) && hasLoader;
if (!hasGpu)
  process.stderr.write(
    `no ${ICD} or libvulkan.so.1 (Debian's chromium, libvulkan1): tests of the GPU are skipped\n`,
  );
// Before the first use in this process.
else process.env.VK_ICD_FILENAMES = ICD;

/** A GPU for a file's tests, closed after them. */
export function softwareGpu(): { readonly device: Device } {
  let device: Device | undefined;
  beforeAll(async () => {
    if (hasGpu) device = await openGpu();
  });
  afterAll(() => device?.close());
  return {
    get device() {
      return device!;
    },
  };
}
