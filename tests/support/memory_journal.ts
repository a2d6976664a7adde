import type { Journal } from "../../lib/deployment/ports.ts";
import {
  type Advance,
  type Deployment,
  emptyRecord,
  type ServiceRecord,
  type Transition,
} from "../../lib/deployment/record.ts";

/** A journal that only lives as long as the test, and outlives the deployers that write it. */
export class MemoryJournal implements Journal {
  record: ServiceRecord = emptyRecord(0);
  readonly transitions: Transition[] = [];
  readonly history = new Map<number, Deployment>();

  write({ record, transition, deployments }: Advance) {
    this.record = record;
    this.transitions.push(transition);
    for (const deployment of deployments) this.history.set(deployment.id, deployment);
  }

  note(facts: Partial<ServiceRecord>) {
    this.record = { ...this.record, ...facts };
  }
}
