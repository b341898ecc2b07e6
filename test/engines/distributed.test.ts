import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import { goml } from "../cli/goml.js";
import { hasPostgres, type PostgresServer, startPostgres } from "../sources/postgres-server.js";
import { expectSameFit } from "./every-engine.js";

const PASSWORD = "secret";
const ROWS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "goml-distributed-"));
const csv = join(folder, "t.csv");

/** A proxy before a server, which counts what the server answers. */
class CountingProxy {
  bytes = 0;
  /** Called with what has been sent to the server. */
  asked: (text: string) => void = () => {};
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(port: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(createServer((client) => proxy.#connect(client, port)));
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #connect(client: Socket, port: number): void {
    const server = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    client.on("data", (bytes) => {
      server.write(bytes);
      this.asked(bytes.toString("latin1"));
    });
    server.on("data", (bytes) => {
      this.bytes += bytes.length;
      client.write(bytes);
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

describe.skipIf(!hasPostgres)(
  "PostgreSQL on several servers (skipped where Debian's is not installed)",
  () => {
    const workers: PostgresServer[] = [];
    const proxies: CountingProxy[] = [];
    let coordinator: PostgresServer;
    const crossed = () => proxies.reduce((sum, { bytes }) => sum + bytes, 0);

    beforeAll(async () => {
      process.env.PGPASSWORD = PASSWORD;
      coordinator = await startPostgres(PASSWORD);
      const columns = "id int, part int, x float8, z float8, g text, y float8";
      // The compiler on for every query: sums are to be asked for without it.
      coordinator.psql(`
      ALTER DATABASE postgres SET jit_above_cost = 0;
      CREATE EXTENSION postgres_fdw;
      CREATE FUNCTION halved(float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 / 2; END';
      CREATE TABLE t (${columns}) PARTITION BY LIST (part);
      CREATE TABLE t_local PARTITION OF t FOR VALUES IN (0);
      CREATE TABLE t_empty PARTITION OF t DEFAULT;`);
      for (const part of [1, 2, 3]) {
        const worker = await startPostgres(PASSWORD);
        workers.push(worker);
        worker.psql(`
        SELECT setseed(${part / 10});
        CREATE TABLE part (${columns});
        INSERT INTO part SELECT ${part} * 1000000 + i, ${part}, CASE WHEN i % 13 = 0 THEN NULL ELSE random() END,
          1.7e9 + i * 0.25, 'g' || (i % 4), random() * 3 + i % 4 FROM generate_series(1, ${ROWS}) i;`);
        const proxy = await CountingProxy.before(Number(new URL(worker.url).port));
        proxies.push(proxy);
        coordinator.psql(`
        CREATE SERVER w${part} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${proxy.port}',
          dbname 'postgres', async_capable 'true', options '-c jit=off');
        CREATE USER MAPPING FOR postgres SERVER w${part} OPTIONS (user 'postgres', password '${PASSWORD}');
        CREATE FOREIGN TABLE t${part} PARTITION OF t FOR VALUES IN (${part}) SERVER w${part} OPTIONS (table_name 'part');`);
      }
      coordinator.psql(
        "INSERT INTO t SELECT i, 0, random(), 1.7e9 + i, 'g' || (i % 5), random() FROM generate_series(1, 500) i",
      );
      const parts = [
        coordinator.psql("COPY t_local TO STDOUT (FORMAT csv, HEADER)"),
        ...workers.map(({ psql }) => psql("COPY part TO STDOUT (FORMAT csv)")),
      ];
      writeFileSync(csv, parts.join(""));
    }, 180_000);
    afterAll(() => {
      for (const proxy of proxies) proxy.close();
      for (const server of [coordinator, ...workers]) server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const MODEL = { formula: "y ~ x + z + g + I(x^2)", foldBy: "id", folds: 5 };
    const fit = (options: object = {}) =>
      fitCsv(coordinator.url, { table: "t", inEngine: true, ...MODEL, ...options });

    it("sends sums, and the model is that of the CSV of all rows", async () => {
      const before = crossed();
      const found = await fit();
      // 180,000 rows of 50 bytes and more; both rungs of the ladder together.
      expect(crossed() - before).toBeLessThan(1e6);
      expectSameFit(found, await fitCsv(csv, MODEL), 9);
    });

    it("sends no rows for a query in which sums would be made here: refused before, with exit code 3", async () => {
      const before = crossed();
      const { code, stderr } = await goml(folder, [
        "train",
        coordinator.url,
        "--in-engine",
        "--sql",
        "SELECT y, halved(x) AS x FROM t",
        "-t",
        "y",
      ]);
      expect(code).toBe(3);
      expect(stderr).toMatch(/rows of \S+ would cross instead of their sums/);
      // What is looked at before, by which columns are judged, are the first 256 rows.
      expect(crossed() - before).toBeLessThan(1e6);
    });

    it("ends in one line where a worker is killed, and gives the same bits when it is back", async () => {
      const options = { solver: "normal" };
      const { model } = await fit(options);
      let killed = 0;
      proxies[1]!.asked = (text) => {
        // The second pass has products of differences.
        if (killed > 0 || !/sum\(\(\(.*\* \(/s.test(text)) return;
        const active = workers[1]!
          .psql(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
          )
          .trim()
          .split("\n")
          .filter((pid) => pid !== "");
        for (const pid of active) process.kill(Number(pid), "SIGKILL");
        killed = active.length;
      };
      const args = ["train", coordinator.url, "--table", "t", "--in-engine", "-m", "killed.json", "-q"];
      const asked = ["--formula", MODEL.formula, "--fold-by", "id", "--folds", "5", "--solver", "normal"];
      const failure = await goml(folder, [...args, ...asked]);
      expect(killed).toBeGreaterThan(0);
      expect(failure.code).toBe(3);
      // What the server says, where and what to do about it; no stack, and no model.
      expect(failure.stderr).toMatch(/^goml: [^\n]+\n(?:hint: [^\n]+\n)?$/);
      expect(readdirSync(folder).filter((name) => name.includes("killed"))).toEqual([]);
      proxies[1]!.asked = () => {};
      let again: typeof model | undefined;
      for (let i = 0; i < 60 && again === undefined; i++) {
        again = await fit(options).then(
          (one) => one.model,
          () => undefined,
        );
        if (again === undefined) await sleep(500);
      }
      expect(JSON.stringify(again!.moments)).toBe(JSON.stringify(model.moments));
    }, 60_000);

    it("sums up one state of the rows while they are written, in as many queries as it takes", async () => {
      // 61 numbers have 1,891 products, and an answer 1,664 entries.
      const names = Array.from({ length: 60 }, (_, i) => `c${i}`);
      coordinator.psql(`
      SELECT setseed(0.5);
      CREATE TABLE wide AS SELECT ${names.map((name) => `random() AS ${name}`).join(", ")}, random() AS y
        FROM generate_series(1, 2000);
      CREATE TABLE still AS SELECT * FROM wide`);
      const still = join(folder, "still.csv");
      writeFileSync(still, coordinator.psql("COPY still TO STDOUT (FORMAT csv, HEADER)"));
      const writer = new pg.Client({ connectionString: coordinator.url });
      await writer.connect();
      let [writes, ended] = [0, false];
      const writing = (async () => {
        while (!ended) {
          await writer.query("INSERT INTO wide SELECT * FROM wide LIMIT 10");
          writes++;
        }
      })();
      const found = await fitCsv(coordinator.url, {
        table: "wide",
        inEngine: true,
        target: "y",
        folds: 1,
        solver: "normal",
      });
      ended = true;
      await writing;
      await writer.end();
      expect(writes).toBeGreaterThan(0);
      // Some rows may have been written before the first query.
      expect(found.rows).toBeLessThan(2000 + 10 * writes);
      expect((found.rows - 2000) % 10).toBe(0);
      const same = { target: "y", folds: 1 };
      expectSameFit(
        await fitCsv(coordinator.url, { table: "still", inEngine: true, ...same }),
        await fitCsv(still, same),
        9,
      );
      // Rows that differ from query to query are told by what the queries have in common.
      await expect(
        fitCsv(coordinator.url, {
          sql: "SELECT * FROM wide WHERE random() < 0.5",
          inEngine: true,
          target: "y",
          folds: 1,
          solver: "normal",
        }),
      ).rejects.toThrow("the rows changed between two queries");
    }, 60_000);
  },
);
