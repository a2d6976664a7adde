/** When a service is polled next, and what new settings change about that. Pure, but for the clock that is read. */
import type { ServiceSettings } from "../settings/service.ts";
import type { Clock } from "../time/clock.ts";
import { untilNextPoll } from "./phase.ts";

/** When there is a poll next. */
export interface Plan {
  /** By the clock that never jumps, in milliseconds. What is past is due. */
  readonly due: number;
  /** The same by the wall clock, for those who ask. */
  readonly at: number;
  /** Whether somebody has asked for it. */
  readonly woken: boolean;
  /** What it was made for. */
  readonly schedule: Schedule;
}

/** How often to poll. */
export interface Schedule {
  /** The period, in milliseconds. */
  readonly period: number;
  /** When in the period this host's turn is, in milliseconds from its beginning. */
  readonly phase: number;
}

/** The plan for a poll after so many milliseconds, counted from now on. */
export function planAfter(delay: number, now: number, clock: Clock, schedule: Schedule): Plan {
  return { due: clock.monotonic() + delay, at: now + delay, woken: false, schedule };
}

/**
 * The plan to go on with; at the beginning it is to poll at once. Where the schedule has changed, the poll may come sooner than
 * it was planned.
 */
export function firstPlan(before: Plan | null, clock: Clock, schedule: Schedule): Plan {
  const { period, phase } = schedule;
  const now = clock.now();
  if (before === null) return planAfter(0, now, clock, schedule);
  if (before.schedule.period === period && before.schedule.phase === phase) return before;
  const regular = planAfter(untilNextPoll({ now, period, phase }), now, clock, schedule);
  return before.due <= regular.due ? { ...before, schedule } : regular;
}

/** What is to come into force. */
export interface NewSettings {
  readonly before: ServiceSettings;
  readonly next: ServiceSettings;
  /** Whether something is wrong with the service: anything that is new may be what mends it. */
  readonly unwell: boolean;
}

/** The plan once new settings are in force: a poll at once, if it may lead to something else than the one before. */
export function replanned(plan: Plan, { before, next, unwell }: NewSettings, clock: Clock): Plan {
  if (!unwell && !asksAnew(before, next)) return plan;
  return { ...planAfter(0, clock.now(), clock, plan.schedule), woken: plan.woken };
}

function asksAnew(before: ServiceSettings, next: ServiceSettings): boolean {
  const matters = ({ jobUri, netrcFile, gates, after, onManualChange, refuseDowngrade }: ServiceSettings) =>
    JSON.stringify([jobUri.text, netrcFile, gates, after, onManualChange, refuseDowngrade]);
  // The same settings once more: the credentials have changed.
  return matters(before) !== matters(next) || JSON.stringify(before) === JSON.stringify(next);
}
