export type { Finding, FoundGpu, GpuSource, NoGpu } from "./find.js";
export { findGpus, openGpu } from "./open.js";
