import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's PostgreSQL, the newest that is installed. */
const ROOT = "/usr/lib/postgresql";
const version = existsSync(ROOT)
  ? readdirSync(ROOT)
      .filter((name) => existsSync(join(ROOT, name, "bin", "initdb")))
      .sort((a, b) => Number(b) - Number(a))[0]
  : undefined;

/** Whether a server can be started here. */
export const hasPostgres = version !== undefined;

/** A PostgreSQL server of its own, on a free port of this host; its user is `postgres`, whom it asks for a password. */
export interface PostgresServer {
  readonly url: string;
  /** What psql says to statements. */
  psql(sql: string): string;
  stop(): void;
}

/** Starts a server in a new folder. */
export async function startPostgres(password: string): Promise<PostgresServer> {
  const bin = join(ROOT, version!, "bin");
  const folder = mkdtempSync(join(tmpdir(), "goml-postgres-"));
  const port = await freePort();
  // The server does not run as root.
  const root = process.getuid?.() === 0;
  if (root) execFileSync("chown", ["postgres", folder]);
  const run = (program: string, args: string[], input?: string) =>
    execFileSync(
      root ? "runuser" : join(bin, program),
      root ? ["-u", "postgres", "--", join(bin, program), ...args] : args,
      {
        input,
        encoding: "utf8",
        maxBuffer: 1 << 28,
        cwd: folder,
        stdio: ["pipe", "pipe", "pipe"],
        env: { ...process.env, PGPASSWORD: password },
      },
    );
  const data = join(folder, "data");
  execFileSync(root ? "runuser" : "sh", [
    ...(root ? ["-u", "postgres", "--", "sh"] : []),
    "-c",
    `printf %s "$0" > '${folder}/password'`,
    password,
  ]);
  run("initdb", [
    "-D",
    data,
    "-U",
    "postgres",
    "-A",
    "scram-sha-256",
    `--pwfile=${folder}/password`,
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
  ]);
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off`;
  run("pg_ctl", ["-D", data, "-w", "-l", join(folder, "log"), "-o", options, "start"]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    psql: (sql) => run("psql", ["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url], sql),
    stop() {
      run("pg_ctl", ["-D", data, "-m", "immediate", "stop"]);
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
