import { expect, it } from "vitest";
import { launchedAs } from "../../src/ranks/launch.js";

it.each([
  [
    "goml itself",
    { GOML_RANK: "1", GOML_RANKS: "3", GOML_RANK_PORT: "4711", MASTER_ADDR: "h", MASTER_PORT: "5" },
    { rank: 1, size: 3, host: "127.0.0.1", port: 4711 },
  ],
  [
    "torchrun's variables",
    { RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "node1", MASTER_PORT: "29400" },
    { rank: 0, size: 2, host: "node1", port: 29_400 },
  ],
  [
    "torchrun, whose store has that port",
    { RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "node1", MASTER_PORT: "29400", TORCHELASTIC_RUN_ID: "x" },
    { rank: 0, size: 2, host: "node1", port: 29_401 },
  ],
  [
    "Slurm on one node",
    { SLURM_PROCID: "2", SLURM_NTASKS: "9", SLURM_STEP_NUM_TASKS: "4", SLURM_STEP_NUM_NODES: "1" },
    { rank: 2, size: 4, host: "127.0.0.1" },
  ],
  [
    "Slurm on several",
    {
      SLURM_PROCID: "2",
      SLURM_NTASKS: "4",
      SLURM_NNODES: "3",
      SLURM_JOB_ID: "7",
      SLURM_STEP_NODELIST: "gpu[003-005,9],x1",
    },
    { rank: 2, size: 4, host: "gpu003" },
  ],
  [
    "Open MPI on one host, inside of Slurm",
    {
      SLURM_PROCID: "0",
      OMPI_COMM_WORLD_RANK: "1",
      OMPI_COMM_WORLD_SIZE: "2",
      OMPI_COMM_WORLD_LOCAL_SIZE: "2",
      OMPI_MCA_ess_base_jobid: "12",
    },
    { rank: 1, size: 2, host: "127.0.0.1" },
  ],
  [
    "an Indexed Job of Kubernetes with a headless service",
    { JOB_COMPLETION_INDEX: "2", JOB_COMPLETIONS: "3", HOSTNAME: "resnet-2", JOB_SERVICE: "ranks" },
    { rank: 2, size: 3, host: "resnet-0.ranks", port: 29_500 },
  ],
])("tells a rank by the variables of %s", (_, environment, expected) => {
  expect(launchedAs(environment)).toMatchObject(expected);
});

it("takes a rendezvous for what a launcher does not tell, and says what is missing", () => {
  const mpi = { OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2", OMPI_COMM_WORLD_LOCAL_SIZE: "1" };
  expect(launchedAs(mpi)).toBe("Open MPI does not say where rank 0 is: give host:port");
  expect(launchedAs(mpi, "node1:29500")).toMatchObject({ rank: 1, host: "node1", port: 29_500 });
  expect(launchedAs(mpi, "[::1]:29500")).toMatchObject({ host: "::1" });
  expect(launchedAs(mpi, "node1")).toBe("node1 is no host:port");
  expect(launchedAs({})).toMatch(
    /^auto needs a launcher's variable: RANK, OMPI_COMM_WORLD_RANK, SLURM_PROCID/,
  );
  expect(launchedAs({ RANK: "x", WORLD_SIZE: "2" })).toBe('RANK is "x", no number');
  expect(launchedAs({ RANK: "2", WORLD_SIZE: "2" })).toBe("RANK is 2, of 2 ranks from 0 on");
  expect(launchedAs({ JOB_COMPLETION_INDEX: "0" })).toMatch(
    /^Kubernetes does not say how many ranks there are/,
  );
});

it("gives all ranks of a job one port, and other jobs another", () => {
  const step = (job: string, rank: string) =>
    launchedAs({ SLURM_PROCID: rank, SLURM_NTASKS: "4", SLURM_NNODES: "1", SLURM_JOB_ID: job });
  const [a, b, c] = [step("7", "0"), step("7", "3"), step("8", "0")] as { port: number }[];
  expect(a!.port).toBe(b!.port);
  expect(a!.port).not.toBe(c!.port);
});
