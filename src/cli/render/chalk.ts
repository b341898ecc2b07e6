import chalk from "chalk";

/** The colours of a terminal that has them: a file of its own, which is not opened where there are none. */
export { chalk };
