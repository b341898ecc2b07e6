import { Bell } from "./bell.js";
import type { Program } from "./program.js";

// The words that a process' worker threads share; what several threads write to stands in cache lines of its own.
/** 1 once the threads should end. */
export const STOP = 0;
/** Changes when there is a message about machines that come or go. */
export const ROSTER = 16;
const SLEEPERS = 32;
const BELL = 48;
/** The number of threads. */
export const SIZE = 64;
export const CREW_WORDS = 80;

/** The bell that a machine with so many workers rings. */
export function bellFor(words: Int32Array, workers: number): Bell {
  return new Bell(words, SLEEPERS, BELL, { size: SIZE, own: workers });
}

/** What threads are told: the program of a machine that has come, or the number of one that goes. */
export type CrewMessage = { readonly join: Program } | { readonly leave: number };
