import type { Version } from "./record.ts";

/** What an operator can ask of the hail that holds a profile. */
export type OperatorRequest =
  /** Poll now. `pastGates`: deploy what is found without asking the gates, this once. */
  | { readonly command: "poll"; readonly pastGates?: boolean }
  /** Deploy nothing new until then, or until `resume`; what is under way comes to its end. */
  | { readonly command: "pause"; readonly reason: string | null; readonly until: number | null }
  /** Ends a pause, and the hold after a change by hand. */
  | { readonly command: "resume" }
  /** Forgets that the latest build is marked bad, and tries at once what waits or has failed. */
  | { readonly command: "retry" }
  /** Goes back to a version; to the one that was active before, where none is named. */
  | { readonly command: "rollback"; readonly to: Version | null };

/** What came of an {@linkcode OperatorRequest}: one sentence that says what has changed, or that nothing has. */
export interface OperatorAnswer {
  readonly message: string;
}
