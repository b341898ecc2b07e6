import { isIPv6, SocketAddress } from "node:net";
import { RequestError } from "./request-error.js";

/** So many accounts may be there before those of clients who have nothing in the house are closed. */
const LEAST_ACCOUNTS = 1000;

/** What may be in the house. */
interface AdmissionLimits {
  /** Requests at a time. */
  requests: number;
  /** Bytes at a time: of bodies as they arrive, of what is made of them, and of answers that are not sent yet. */
  bytes: number;
  /** The share of both that one client address may have, above 0, at most 1. */
  share: number;
}

/** What one client has in the house. */
interface Account {
  requests: number;
  bytes: number;
}

/**
 * Counts the requests that are in the house and the bytes that they hold, and turns away what does not fit: memory
 * and waiting stay bounded, and who is turned away learns it at once. One client address does not get all of it, so
 * that others find room.
 *
 * Bytes count when they are there and not when they are announced: an announcement costs nothing.
 */
export class Admission {
  readonly mostRequests: number;
  readonly mostBytes: number;
  requests = 0;
  bytes = 0;
  private readonly clientRequests: number;
  private readonly clientBytes: number;
  private readonly clients = new Map<string, Account>();
  private mostAccounts = LEAST_ACCOUNTS;

  constructor({ requests, bytes, share }: AdmissionLimits) {
    this.mostRequests = requests;
    this.mostBytes = bytes;
    this.clientRequests = Math.ceil(share * requests);
    this.clientBytes = Math.ceil(share * bytes);
  }

  /** Lets a request in. @throws RequestError (503) where there is no room, or none for this client */
  enter(address: string): Visit {
    const { clients } = this;
    const client = clientOf(address);
    let own = clients.get(client);
    if (this.requests >= this.mostRequests)
      throw new RequestError(503, `the server is busy with ${this.requests} requests, try again`);
    if (own !== undefined && own.requests >= this.clientRequests)
      throw new RequestError(
        503,
        `the server is busy with ${own.requests} requests of this client, which may have no more at a time; try again`,
      );
    if (own === undefined) {
      own = { requests: 0, bytes: 0 };
      clients.set(client, own);
    }
    own.requests++;
    this.requests++;
    return new Visit(this, own);
  }

  /**
   * Asks for more bytes for one that holds `before`.
   *
   * One body alone always fits, whatever the limits are: else it never would.
   *
   * @throws RequestError (503)
   */
  check(own: Account, more: number, before: number): void {
    if (this.bytes > before && this.bytes + more > this.mostBytes)
      throw new RequestError(503, `the server is busy with ${this.bytes} bytes of requests, try again`);
    if (own.bytes > before && own.bytes + more > this.clientBytes)
      throw new RequestError(
        503,
        `the server is busy with ${own.bytes} bytes of requests of this client, which may have no more at a time; try again`,
      );
  }

  /** Counts bytes, or fewer of them. */
  count(own: Account, more: number): void {
    this.bytes += more;
    own.bytes += more;
  }

  /** Counts a request less. */
  leave(own: Account): void {
    this.requests--;
    own.requests--;
    // Who has asked is likely to ask again: an account made and thrown away for each request costs more than its place.
    if (own.requests > 0 || this.clients.size <= this.mostAccounts) return;
    for (const [client, { requests }] of this.clients) if (requests === 0) this.clients.delete(client);
    this.mostAccounts = Math.max(LEAST_ACCOUNTS, 2 * this.clients.size);
  }
}

/** One request's stay. */
export class Visit {
  private bytes = 0;
  private inside = true;

  constructor(
    private readonly admission: Admission,
    private readonly own: Account,
  ) {}

  /** Holds more bytes. @throws RequestError (503) when there is no room for them */
  grow(bytes: number): void {
    if (!this.inside || bytes === 0) return;
    this.admission.check(this.own, bytes, this.bytes);
    this.admission.count(this.own, bytes);
    this.bytes += bytes;
  }

  /** Holds so many bytes from now on, without asking: they are there. */
  settle(bytes: number): void {
    if (!this.inside) return;
    this.admission.count(this.own, bytes - this.bytes);
    this.bytes = bytes;
  }

  /** Makes room again; once. */
  leave(): void {
    if (!this.inside) return;
    this.settle(0);
    this.inside = false;
    this.admission.leave(this.own);
  }
}

/**
 * One client: an IPv4 address, or the /64 network that one IPv6 host has to choose addresses from. Addresses that a proxy
 * tells may be written in any of IPv6's ways, an IPv4 address as one of IPv6 too, and some append a port.
 */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const bare = /^([0-9.]+):[0-9]+$|^\[([^\]]*)\](?::[0-9]+)?$/.exec(address);
  const plain = (bare?.[1] ?? bare?.[2] ?? address).split("%")[0]!;
  if (!isIPv6(plain)) return plain;
  const { address: canonical } = new SocketAddress({ address: plain, family: "ipv6" });
  if (canonical.startsWith("::ffff:") && canonical.includes(".")) return canonical.slice(7);
  const [head = "", tail = ""] = canonical.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const zeros = Array(Math.max(0, 8 - groups(head).length - groups(tail).length)).fill("0");
  return [...groups(head), ...zeros, ...groups(tail)].slice(0, 4).join(":");
}
