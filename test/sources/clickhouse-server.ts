import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = ["/usr/sbin/clickhouse-server", "/usr/bin/clickhouse-server"].find((path) =>
  existsSync(path),
);

/** Whether a server can be started here. */
export const hasClickhouse = PROGRAM !== undefined;

/** A ClickHouse server of its own, on a free port of this host; its user is `default`, whom it asks for a password. */
export interface ClickhouseServer {
  readonly url: string;
  /** What it answers to a statement, with settings such as `max_threads=1`. */
  ask(sql: string, settings?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a server in a new folder; its times are those of Kathmandu, 5:45 before UTC. */
export async function startClickhouse(password: string): Promise<ClickhouseServer> {
  const folder = mkdtempSync(join(tmpdir(), "goml-clickhouse-"));
  const [http, tcp] = [await freePort(), await freePort()];
  for (const name of ["data", "tmp"]) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, "config.xml"),
    `<yandex><logger><level>warning</level><log>${folder}/log</log><errorlog>${folder}/err</errorlog></logger>
<http_port>${http}</http_port><tcp_port>${tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><users_config>${folder}/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>1000000000</mark_cache_size><timezone>Asia/Kathmandu</timezone></yandex>`,
  );
  const limit = ["queries", "errors", "result_rows", "read_rows", "execution_time"];
  writeFileSync(
    join(folder, "users.xml"),
    `<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password>${password}</password><networks><ip>::/0</ip></networks><profile>default</profile>
<quota>default</quota></default></users><quotas><default><interval><duration>3600</duration>
${limit.map((name) => `<${name}>0</${name}>`).join("")}</interval></default></quotas></yandex>`,
  );
  const server: ChildProcess = spawn(PROGRAM!, [`--config-file=${folder}/config.xml`], { stdio: "ignore" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const url = `http://127.0.0.1:${http}/`;
  const headers = { "x-clickhouse-user": "default", "x-clickhouse-key": password };
  const ask = async (sql: string, settings = "") => {
    const answer = await fetch(`${url}?${settings}`, { method: "POST", body: sql, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text;
  };
  for (let tries = 0; ; tries++) {
    try {
      await ask("SELECT 1");
      break;
    } catch (error) {
      if (tries === 300 || server.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return {
    url: `clickhouse://127.0.0.1:${http}/default`,
    ask,
    async stop() {
      server.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
