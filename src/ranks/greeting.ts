import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { ServerCall } from "./calls.js";
import type { Hello } from "./messages.js";

/** The codes of gRPC that say why a call is refused. */
export const REFUSED = {
  /** What never fits: another version, another size, a rank that is there. */
  failedPrecondition: 9,
  /** What may fit later. */
  unavailable: 14,
  /** Another token. */
  unauthenticated: 16,
} as const;

export function refuse(call: ServerCall, code: number, details: string): void {
  call.emit("error", { code, details } as never);
}

/** Whether a call has the token, where one is needed; else it is refused. */
export function admits(call: ServerCall, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = String(call.metadata.get("authorization")[0] ?? "");
  // Digests are of one length, so that the comparison tells nothing of the token's.
  const digest = (text: string) => createHash("sha256").update(text).digest();
  if (timingSafeEqual(digest(given), digest(`Bearer ${token}`))) return true;
  refuse(call, REFUSED.unauthenticated, "another token");
  return false;
}

/** Why another rank, which says hello, cannot be one of the group of `own`; undefined where it can. */
export function whyNot(other: Hello, own: Omit<Hello, "attempt" | "port">): string | undefined {
  const { rank, size } = other;
  if (other.version !== own.version || other.protocol !== own.protocol)
    return `rank ${rank} is goml ${other.version}, rank ${own.rank} is ${own.version}: all must be the same`;
  if (size !== own.size) return `rank ${rank} is one of ${size}, rank ${own.rank} one of ${own.size}`;
  if (!(rank >= 0 && rank < size && rank !== own.rank)) return `there are two of rank ${rank}`;
  return undefined;
}

/** The host of a peer as gRPC spells it: `ipv4:10.0.0.2:4711`, `[::1]:4711`. */
export function hostOf(peer: string): string {
  const plain = peer
    .replace(/^ipv[46]:/, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
  const host = plain.replace(/^::ffff:/, "");
  return isIP(host) ? host : "127.0.0.1";
}
