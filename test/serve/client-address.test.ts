import { type AddressInfo, connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientOf } from "../../src/serve/admission.js";
import { createServer } from "../../src/serve/index.js";
import { goml, inFolder } from "../cli/goml.js";
import { serve } from "./process.js";
import { boston, matrixRequest, send, serving, X } from "./serving.js";

// Who a client is, for the share that one may have of the places: over real sockets, before a proxy and behind one.

const PATH = "/v2/models/boston/infer";
const body = JSON.stringify(matrixRequest(X.subarray(0, 13)));
const forwarded = (by: string | undefined) => (by === undefined ? "" : `X-Forwarded-For: ${by}\r\n`);

/** Where a connection comes from, and what it says that it was forwarded for. */
interface From {
  readonly local?: string;
  readonly by?: string | undefined;
}

/** A server of 8 places, of which a client may have 4, seen from outside. */
class House {
  private readonly sockets: Socket[] = [];
  constructor(
    readonly port: number,
    readonly host = "127.0.0.1",
  ) {}

  private open(text: string, { local }: From): Socket {
    const socket = connect({ port: this.port, host: this.host, ...(local ? { localAddress: local } : {}) });
    socket.on("error", () => {});
    socket.write(text);
    this.sockets.push(socket);
    return socket;
  }

  /** Takes a place and keeps it. */
  async take(from: From): Promise<void> {
    const before = await this.inside();
    this.open(
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n${forwarded(from.by)}\r\n{`,
      from,
    );
    while ((await this.inside()) !== before + 1) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** The status that a request gets. */
  ask(from: From): Promise<number> {
    const head = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n`;
    const socket = this.open(`${head}${forwarded(from.by)}\r\n${body}`, from);
    return new Promise((resolve) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])));
    });
  }

  async inside(): Promise<number> {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    const text = (await send(`http://${host}:${this.port}/metrics`)).body.toString();
    return Number(/^goml_queue_requests (.+)$/m.exec(text)![1]);
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

const PLACES = { queueLimit: 8, clientShare: 0.5 };

/** Holds the share of a client by `taken`, then asks as each of `others`. */
async function check(house: House, taken: readonly From[], others: readonly (readonly [From, number])[]) {
  for (const from of taken) await house.take(from);
  for (const [from, status] of others) expect([from, await house.ask(from)]).toEqual([from, status]);
  house.leave();
}

const by = (text: string): From => ({ by: text });

describe("behind a proxy", () => {
  test("--trust-proxy takes the word of who connects, and not what the client wrote before it", async () => {
    await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
      const options = ["--trust-proxy", "--queue", "8", "--client-share", "0.5"];
      const { child, url, done } = await serve(folder, "boston.json", ...options);
      await check(
        new House(Number(new URL(url).port)),
        [by("192.0.2.1"), by("192.0.2.1"), by("203.0.113.5, 192.0.2.1"), by("evil, , ::1,192.0.2.1")],
        [
          [by("192.0.2.1"), 503],
          [by("198.51.100.7, 192.0.2.1"), 503],
          [by("192.0.2.2"), 200],
          [by("192.0.2.1, 192.0.2.2"), 200],
          [{}, 200],
        ],
      );
      child.kill("SIGTERM");
      await done;
    });
  });

  test("without it, who connects is the client, whatever stands in the header", async () => {
    await using server = await serving(PLACES);
    await check(new House(server.port), ["192.0.2.1", "192.0.2.2", "2001:db8::1", "x"].map(by), [
      [by("192.0.2.99"), 503],
      [{ local: "127.0.0.2" }, 200],
    ]);
  });

  test("--proxies takes the word of those, hop by hop, and of nobody else", async () => {
    await using server = await serving({ ...PLACES, trustProxy: ["127.0.0.2", "10.0.0.0/8"] });
    const proxy = (text: string): From => ({ local: "127.0.0.2", by: text });
    await check(
      new House(server.port),
      [
        proxy("192.0.2.1"),
        proxy("192.0.2.1, 10.1.2.3"),
        proxy("198.51.100.7, 192.0.2.1"),
        proxy("192.0.2.1"),
      ],
      [
        [proxy("192.0.2.1"), 503],
        [proxy("192.0.2.2, 10.9.9.9"), 200],
        [{ local: "127.0.0.3", by: "192.0.2.1" }, 200],
      ],
    );
  });

  test("an address is the same however it is written, with a port and as one of IPv6 too", async () => {
    await using server = await serving({ ...PLACES, trustProxy: ["loopback"] });
    await check(
      new House(server.port),
      [by("::ffff:192.0.2.1"), by("192.0.2.1"), by("::FFFF:c000:201"), by("0:0:0:0:0:ffff:c000:0201")],
      [
        [by("192.0.2.1"), 503],
        [by("::ffff:192.0.2.1"), 503],
        [by("::ffff:192.0.2.2"), 200],
      ],
    );
  });

  test("of IPv6 a /64 is one client: a host has all addresses of it", async () => {
    await using server = await serving({ ...PLACES, trustProxy: ["loopback"] });
    await check(
      new House(server.port),
      ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:DB8:1:2:ffff:1:2:3", "2001:0db8:0001:0002::9"].map(by),
      [
        [by("2001:db8:1:2:dead::beef"), 503],
        [by("2001:db8:1:3::1"), 200],
        [by("2001:db8:1::2"), 200],
      ],
    );
  });

  test("what is no address of a proxy is wrong usage", async () => {
    for (const text of ["x", "10.0.0.0/33", "::1/129", "10.0.0.0/8/8", "10.0.0.0/", "999.1.1.1"])
      expect(() => createServer({ boston }, { trustProxy: [text] })).toThrow("is not the address of a proxy");
    await inFolder({ "boston.json": JSON.stringify(boston) }, async (folder) => {
      const { code, stderr } = await goml(folder, [
        "serve",
        "boston.json",
        "--proxies",
        "loopback,10.0.0.0/33",
      ]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining('"10.0.0.0/33" is not the address of a proxy'),
      ]);
    });
  });
});

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

test.skipIf(!ipv6)(
  "on a socket for both, a client of IPv4 is one, and not all of them together",
  async () => {
    const app = createServer({ boston }, { threads: 1, ...PLACES });
    await app.listen({ port: 0, host: "::" });
    const [{ port } = { port: 0 }] = app.addresses() as AddressInfo[];
    const four = new House(port);
    const six = new House(port, "::1");
    const same: From = { local: "127.0.0.2" };
    await check(
      four,
      [same, same, same, same],
      [
        [same, 503],
        [{ local: "127.0.0.3" }, 200],
      ],
    );
    while ((await six.inside()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let i = 0; i < 4; i++) await six.take({});
    expect([await six.ask({}), await four.ask(same)]).toEqual([503, 200]);
    six.leave();
    four.leave();
    await app.shutDown({ deadline: 2000 });
  },
);

test("any address has one client, in all ways of writing it, and its neighbours of IPv6 have the same", () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, fc.infiniteStream(fc.boolean()), (numbers, coin) => {
      const toss = () => coin.next().value as boolean;
      // Zeros left out or not, letters of either size, brackets, a zone.
      const written = numbers.map((n) => {
        const short = n.toString(16);
        const text = toss() ? short : short.padStart(4, "0");
        return toss() ? text.toUpperCase() : text;
      });
      let text = written.join(":");
      if (toss()) text = text.replace(/(^|:)0+(:0+)+(:|$)/, "::");
      const bracketed = toss() ? `[${text}]${toss() ? ":443" : ""}` : text;
      const network = numbers.slice(0, 4).map((n) => n.toString(16));
      expect(clientOf(bracketed)).toBe(network.join(":"));
    }),
  );
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65535 }), (address, port) => {
      for (const text of [address, `${address}:${port}`, `::ffff:${address}`, `[::ffff:${address}]:${port}`])
        expect(clientOf(text)).toBe(address);
    }),
  );
  // What a proxy may tell that is none: a client of its own, and no error.
  fc.assert(fc.property(fc.string(), (text) => typeof clientOf(text) === "string"));
});
