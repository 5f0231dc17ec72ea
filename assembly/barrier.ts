// How threads share the instructions of a tape. The work between two barriers is dealt in as many shares as there are
// threads; a thread takes its own share first and then any that nobody has claimed, so that a thread which the machine has
// put aside holds nobody up unless it is in the middle of a share. Which thread computes a share decides no bit of it.
//
//   control  | job | sleepers · idlers | members · left | state | the job's numbers | where thread 0 stands |   codes.ts, Control
//   shares   | claimed · done | claimed · done | …                                        a line of 64 bytes each
//
// A position is the number of a barrier, counted on from job to job (modulo 2^32). `claimed` goes from p to p + 1 by the one
// thread whose compare-and-exchange succeeds, `done` follows when the share is computed, and position p + 1 is reached when
// all shares are done. So a thread that comes late finds every claim taken and walks on to where the others are; and thread 0
// can leave in the middle of a wait and come back, because nothing is counted twice.
//
// A thread spins for a bounded number of rounds and then sleeps in memory.atomic.wait32. Who finishes a share wakes those
// who sleep at it, if `sleepers` says that there are any: both sides write their word before they read the other's.

import { Control, JOB_SHARES, TeamState } from "./codes";

/** A share's line. */
@inline
export function shareLine(shares: usize, share: i32): usize {
  return shares + (<usize>share << 6);
}

const DONE: usize = 4;

/** What ended a wait. */
export const REACHED: i32 = 0;
export const BROKEN: i32 = 1;
export const STALLED: i32 = 2;

/** Tries to take a share from `position` to the next one. */
@inline
export function claim(line: usize, position: i32): bool {
  return atomic.load<i32>(line) == position && atomic.cmpxchg<i32>(line, position, position + 1) == position;
}

/** Reports a share done at `position`. */
@inline
export function report(control: usize, line: usize, position: i32): void {
  atomic.store<i32>(line, position, DONE);
  if (atomic.load<i32>(control, Control.sleepers) > 0) atomic.notify(line + DONE, -1);
}

/** Whether a share has been done at `position`. */
@inline
export function isDone(line: usize, position: i32): bool {
  return atomic.load<i32>(line, DONE) - position >= 0;
}

/** Sets a share's line for a job that begins at `position`. */
export function setShare(line: usize, position: i32): void {
  atomic.store<i32>(line, position);
  atomic.store<i32>(line, position, DONE);
}

/** Rounds of a thread that may not sleep, a browser's main thread, before it lets its event loop turn: some 0.2 seconds. */
const SPIN_AWAKE: i32 = 100_000_000;

/**
 * Waits until a share that somebody has claimed is done at `position`: spins, then sleeps.
 * @param patience nanoseconds without a report after which it gives up; negative where the thread may not sleep
 */
export function awaitShare(control: usize, line: usize, position: i32, spin: i32, patience: i64): i32 {
  const rounds = patience < 0 ? SPIN_AWAKE : spin;
  for (let i = 0; i < rounds; ++i) {
    if (isDone(line, position)) return REACHED;
    if (atomic.load<i32>(control, Control.state) != TeamState.open) return BROKEN;
  }
  if (patience < 0) return STALLED;
  atomic.add<i32>(control, 1, Control.sleepers);
  const before = atomic.load<i32>(line, DONE);
  if (before - position < 0 && atomic.load<i32>(control, Control.state) == TeamState.open) atomic.wait<i32>(line + DONE, before, patience);
  atomic.sub<i32>(control, 1, Control.sleepers);
  if (isDone(line, position)) return REACHED;
  return atomic.load<i32>(control, Control.state) != TeamState.open ? BROKEN : STALLED;
}

/** Opens a job of so many shares; its numbers must be in place. */
export function openJob(control: usize, shares: i32): void {
  const job = atomic.load<i32>(control, Control.job);
  atomic.store<i32>(control, job + shares, Control.job);
  if (atomic.load<i32>(control, Control.idlers) > 0) atomic.notify(control + Control.job, -1);
}

/** Closes the job, so that its numbers may change: who reads them meanwhile sees that the job is another. */
export function closeJob(control: usize): void {
  const job = atomic.load<i32>(control, Control.job);
  atomic.store<i32>(control, (job & ~JOB_SHARES) + JOB_SHARES + 1, Control.job);
}

/** Waits for a job other than `seen`, for as long as the team is open. Returns its word, or 0 when the team is not. */
export function awaitJob(control: usize, seen: i32): i32 {
  while (true) {
    const spin = atomic.load<i32>(control, Control.spin);
    for (let i = 0; i <= spin; ++i) {
      if (atomic.load<i32>(control, Control.state) != TeamState.open) return 0;
      const job = atomic.load<i32>(control, Control.job);
      if (job != seen && (job & JOB_SHARES) > 0) return job;
    }
    atomic.add<i32>(control, 1, Control.idlers);
    const job = atomic.load<i32>(control, Control.job);
    const open = atomic.load<i32>(control, Control.state) == TeamState.open;
    if (open && (job == seen || (job & JOB_SHARES) == 0)) atomic.wait<i32>(control + Control.job, job, IDLE_NANOSECONDS);
    atomic.sub<i32>(control, 1, Control.idlers);
  }
}

/** The longest sleep without a look at the team's state: what is missed in the instant before a sleep is seen after it. */
const IDLE_NANOSECONDS: i64 = 500_000_000;

/** Sleeps for as long as a thread may that found nothing to do, or until the team is dismissed. */
export function nap(control: usize, nanoseconds: i64): void {
  atomic.wait<i32>(control + Control.state, TeamState.open, nanoseconds);
}

/** Becomes a member of that engagement: the index of its thread, from 1, or 0 if the engagement is over. */
export function join(control: usize, engagement: i32): i32 {
  while (true) {
    const members = atomic.load<i32>(control, Control.members);
    if ((members & ~JOB_SHARES) != engagement) return 0;
    if (atomic.cmpxchg<i32>(control, members, members + 1, Control.members) == members) return (members & JOB_SHARES) + 1;
  }
}

/** Counts a member out. */
export function leave(control: usize): void {
  atomic.add<i32>(control, 1, Control.left);
  atomic.notify(control + Control.left, -1);
}

/** Ends the team: `state` says how. Wakes all who sleep. */
export function endTeam(control: usize, state: i32): void {
  atomic.store<i32>(control, state, Control.state);
  const job = atomic.load<i32>(control, Control.job);
  if (state == TeamState.dismissed) closeJob(control);
  atomic.notify(control + Control.job, -1);
  atomic.notify(control + Control.state, -1);
  const shares = <usize>load<u32>(control, Control.shares);
  for (let share = 0, count = job & JOB_SHARES; share < count; ++share) atomic.notify(shareLine(shares, share) + DONE, -1);
}
