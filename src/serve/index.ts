export type { ServeModels, ServeOptions } from "./options.js";
export { type PluginOptions, plugin } from "./plugin.js";
export {
  createServer,
  type GomlServer,
  type LogState,
  type ServerOptions,
  type ShutDownOptions,
} from "./server.js";
