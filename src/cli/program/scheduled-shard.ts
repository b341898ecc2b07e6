type Environment = Readonly<Record<string, string | undefined>>;

/** How a scheduler names the task of an array that a process is. */
interface Scheduler {
  readonly name: string;
  /** The variable with the task's number. */
  readonly index: string;
  /** The number of the first task: 0 or 1, for Slurm and PBS as the array was asked for. */
  readonly first: 0 | 1;
  /** The variable with the number of tasks; none where the scheduler tells nobody. */
  readonly count?: string;
  /** The variables with the least number and the step between numbers, where arrays may begin anywhere. */
  readonly least?: string;
  readonly step?: string;
}

const SCHEDULERS: readonly Scheduler[] = [
  {
    name: "Slurm",
    index: "SLURM_ARRAY_TASK_ID",
    first: 1,
    count: "SLURM_ARRAY_TASK_COUNT",
    least: "SLURM_ARRAY_TASK_MIN",
    step: "SLURM_ARRAY_TASK_STEP",
  },
  { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", first: 0, count: "JOB_COMPLETIONS" },
  {
    name: "AWS Batch",
    index: "AWS_BATCH_JOB_ARRAY_INDEX",
    first: 0,
    count: "AWS_BATCH_JOB_ARRAY_SIZE",
  },
  { name: "PBS", index: "PBS_ARRAY_INDEX", first: 1 },
  { name: "GNU parallel", index: "PARALLEL_SEQ", first: 1 },
];

/**
 * Which shard of how many a task of an array is, by its scheduler's variables: the first scheduler of the list that has set
 * its own, for an array's task may run GNU parallel in turn. `of` says how many there are where the scheduler does not, or
 * where some tasks of an array run again by themselves, whose numbers then count from 1 (from 0 on Kubernetes and AWS Batch).
 *
 * @returns what is wrong, as a text, where it cannot be told
 */
export function scheduledShard(
  environment: Environment,
  of?: number | undefined,
): { number: number; of: number } | string {
  const whole = (name: string | undefined) => {
    const text = name === undefined ? undefined : environment[name];
    return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
  };
  const scheduler = SCHEDULERS.find(({ index }) => environment[index] !== undefined);
  if (scheduler === undefined)
    return `auto needs a scheduler's variable: ${SCHEDULERS.map(({ index }) => index).join(", ")}`;
  const { name, index, count, least, step, first } = scheduler;
  const at = whole(index);
  if (at === undefined) return `${index} is ${JSON.stringify(environment[index])}, no number`;
  const known = of ?? whole(count);
  if (known === undefined)
    return `${name} does not say how many tasks there are${count === undefined ? "" : ` (${count} is not set)`}: auto/8, say`;
  const from = of === undefined ? (whole(least) ?? first) : first;
  const stride = of === undefined ? (whole(step) ?? 1) : 1;
  const number = (at - from) / stride + 1;
  if (!Number.isInteger(number) || number < 1 || number > known)
    return (
      `${index} is ${at}, of ${known} tasks from ${from} on${stride === 1 ? "" : ` by ${stride}`}: ` +
      "number the array without gaps, or give i/n yourself"
    );
  return { number, of: known };
}
