import type { RankTls } from "./tls.js";

/** What a rank has to know to find the others. */
export interface RankOptions {
  /** Which it is, from 0. */
  rank: number;
  size: number;
  /** Where rank 0 listens. Of port 0, which is any that is free, only rank 0 itself knows; see `listening`. */
  host?: string | undefined;
  port: number;
  /**
   * The address that this rank listens on. Default: rank 0's own, or where that is not of this machine alone all of this
   * machine's, which takes a token.
   */
  listen?: string | undefined;
  /** What all ranks have in common and nobody else knows. */
  token?: string | undefined;
  tls?: RankTls | undefined;
  /** How long to wait for all ranks, in milliseconds. Default: 60,000. */
  joinTimeout?: number | undefined;
  /** How often the group was begun before; the greatest of all ranks counts. Default: 0. */
  attempt?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told the port that this rank listens on. */
  listening?: ((port: number) => void) | undefined;
  /** What this rank says its version is. @internal */
  version?: string | undefined;
}
