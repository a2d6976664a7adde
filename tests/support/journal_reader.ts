/** Tells the state of a service and how many transitions there were: `journal_reader.ts FILE`. */
import { Failure } from "../../lib/failure/failure.ts";
import { readService } from "../../lib/journal/read.ts";

const [file = ""] = Deno.args;
let said: string;
try {
  const service = readService(file);
  said = JSON.stringify([service.record.state, service.transitions(30_000).length]);
  service.close();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  said = `${error.code}: ${error.why}`;
}
Deno.stdout.writeSync(new TextEncoder().encode(`${said}\n`));
