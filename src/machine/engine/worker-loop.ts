import type { Bell } from "./bell.js";
import { ROSTER, STOP } from "./crew-words.js";
import type { Scheduler, Shared } from "./scheduler.js";

/** A machine as a worker thread works for it. */
export interface Member {
  readonly shared: Shared;
  readonly scheduler: Scheduler;
}

/** What a worker thread knows of its crew. */
export interface Roster {
  readonly words: Int32Array;
  readonly bell: Bell;
  /** The machines it works for. */
  readonly members: readonly Member[];
  /** The one whose turn it is. */
  next: number;
  /** The roster's number at which the members were right. */
  seen: number;
}

/**
 * One round of a worker thread: takes a task of the machine whose turn it is, or of the next that has one, or sleeps
 * where there is none; false once it should end or look who comes or goes.
 *
 * @param looks looks for a task for a while and says whether it saw one
 */
export function workerRound(roster: Roster, looks: () => boolean): boolean {
  const { words, bell, members } = roster;
  if (changed(roster)) return false;
  for (let i = 0; i < members.length; i++) {
    const at = (roster.next + i) % members.length;
    if (members[at]!.scheduler.turn()) {
      roster.next = (at + 1) % members.length;
      return true;
    }
  }
  if (!looks()) bell.sleep(() => foundBy(members) || changed(roster));
  return true;

  function changed({ seen }: Roster): boolean {
    return Atomics.load(words, STOP) !== 0 || Atomics.load(words, ROSTER) !== seen;
  }
}

/** Whether a task of one of the members is ready. */
export function foundBy(members: readonly Member[]): boolean {
  for (let i = 0; i < members.length; i++) if (members[i]!.shared.ready.ready()) return true;
  return false;
}
