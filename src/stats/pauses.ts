/** What steps with pauses come to when none is made. */
export function ended<Result>(steps: Generator<undefined, Result, void>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
