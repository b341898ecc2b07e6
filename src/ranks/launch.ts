import { createHash } from "node:crypto";

type Environment = Readonly<Record<string, string | undefined>>;

/** Which rank of how many a process is, and where rank 0 listens. */
export interface Launched {
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  readonly port: number;
}

/** How a launcher tells a process which of its processes it is. */
interface Launcher {
  readonly name: string;
  readonly rank: string;
  /** The variables with the number of processes; the first that is set counts. */
  readonly size: readonly string[];
  /** Where rank 0 is, as far as the launcher tells. */
  meeting(environment: Environment, size: number): { host: string; port: number } | undefined;
}

/** Where ranks meet by default, where nothing else is known: the port that torchrun takes, too. */
const PORT = 29_500;
const LOOPBACK = "127.0.0.1";

const LAUNCHERS: readonly Launcher[] = [
  {
    // goml itself, for ranks on this machine.
    name: "goml",
    rank: "GOML_RANK",
    size: ["GOML_RANKS"],
    meeting: ({ GOML_RANK_PORT }) => ({ host: LOOPBACK, port: Number(GOML_RANK_PORT ?? 0) }),
  },
  {
    name: "torchrun",
    rank: "RANK",
    size: ["WORLD_SIZE"],
    meeting: () => undefined,
  },
  {
    name: "Open MPI",
    rank: "OMPI_COMM_WORLD_RANK",
    size: ["OMPI_COMM_WORLD_SIZE"],
    meeting(environment, size) {
      if (Number(environment.OMPI_COMM_WORLD_LOCAL_SIZE) !== size) return undefined;
      const { PMIX_NAMESPACE, OMPI_MCA_ess_base_jobid, OMPI_MCA_orte_ess_jobid } = environment;
      const job = PMIX_NAMESPACE ?? OMPI_MCA_ess_base_jobid ?? OMPI_MCA_orte_ess_jobid;
      return job === undefined ? undefined : { host: LOOPBACK, port: portOf(`ompi ${job}`) };
    },
  },
  {
    name: "Slurm",
    rank: "SLURM_PROCID",
    size: ["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"],
    meeting(environment) {
      const { SLURM_JOB_ID = "", SLURM_STEP_ID = "" } = environment;
      const port = portOf(`slurm ${SLURM_JOB_ID} ${SLURM_STEP_ID}`);
      const nodes = Number(environment.SLURM_STEP_NUM_NODES ?? environment.SLURM_NNODES);
      if (nodes === 1) return { host: LOOPBACK, port };
      const host = firstHost(environment.SLURM_STEP_NODELIST ?? environment.SLURM_JOB_NODELIST ?? "");
      return host === undefined ? undefined : { host, port };
    },
  },
  {
    name: "Kubernetes",
    rank: "JOB_COMPLETION_INDEX",
    size: ["JOB_COMPLETIONS"],
    meeting({ HOSTNAME = "", JOB_SERVICE, JOB_COMPLETION_INDEX }, size) {
      if (size === 1) return { host: LOOPBACK, port: PORT };
      const end = `-${JOB_COMPLETION_INDEX}`;
      if (!HOSTNAME.endsWith(end) || !JOB_SERVICE) return undefined;
      return { host: `${HOSTNAME.slice(0, -end.length)}-0.${JOB_SERVICE}`, port: PORT };
    },
  },
];

/**
 * Which rank a process is, by the variables of whoever started it: the first launcher of the list that has set its own. Where
 * rank 0 listens is said by `rendezvous` (host:port), else by `MASTER_ADDR` and `MASTER_PORT`, else by what the launcher tells.
 *
 * @returns what is wrong, as a text, where it cannot be told
 */
export function launchedAs(environment: Environment, rendezvous?: string | undefined): Launched | string {
  const launcher = LAUNCHERS.find(({ rank }) => environment[rank] !== undefined);
  if (launcher === undefined)
    return `auto needs a launcher's variable: ${LAUNCHERS.slice(1)
      .map(({ rank }) => rank)
      .join(", ")}`;
  const { name, rank: variable, size: sizes, meeting } = launcher;
  const rank = whole(environment[variable]);
  if (rank === undefined) return `${variable} is ${JSON.stringify(environment[variable])}, no number`;
  const given = sizes.find((own) => environment[own] !== undefined);
  const size = given === undefined ? undefined : whole(environment[given]);
  if (size === undefined || size < 1)
    return `${name} does not say how many ranks there are (${sizes.join(" or ")} is not set)`;
  if (rank >= size) return `${variable} is ${rank}, of ${size} ranks from 0 on`;
  if (rendezvous !== undefined) {
    const place = placeOf(rendezvous);
    return place === undefined ? `${rendezvous} is no host:port` : { rank, size, ...place };
  }
  const { MASTER_ADDR: host, MASTER_PORT: port, TORCHELASTIC_RUN_ID } = environment;
  // What torchrun starts finds its own store at that port.
  const next = TORCHELASTIC_RUN_ID === undefined ? 0 : 1;
  if (host && whole(port) !== undefined && name !== "goml")
    return { rank, size, host, port: Number(port) + next };
  const place = meeting(environment, size);
  if (place === undefined) return `${name} does not say where rank 0 is: give host:port`;
  return { rank, size, ...place };
}

/** A host and a port; an IPv6 address in brackets. */
function placeOf(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || !(port >= 1 && port <= 65_535)) return undefined;
  return { host: (match[1] ?? match[2])!, port };
}

/** The first of hosts as Slurm writes them: `node[03-05,8],x1` gives node03. */
function firstHost(list: string): string | undefined {
  const match = /^([^,[]+)(?:\[(\d+))?/.exec(list);
  return match === null ? undefined : match[1]! + (match[2] ?? "");
}

/** A port that a job's ranks agree on by its name, from 20,000 to 29,999: below those that systems give away. */
function portOf(job: string): number {
  return 20_000 + (createHash("sha256").update(job).digest().readUInt32BE(0) % 10_000);
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}
