/**
 * Serves a Hydra and a binary cache in the network of a stage of its own, where the test itself is not: the arguments are
 * a file that names the latest build of each job, as JSON, and the folder of the cache. It prints the two ports.
 *
 * @module
 */
import { BinaryCache } from "../binary_cache.ts";
import { FakeHydra } from "../fake_hydra.ts";

/** What the file holds: for each job, as `PROJECT/JOBSET/JOB`, its latest build. */
export type Latest = Readonly<Record<string, { readonly id: number; readonly path: string }>>;

const READ_EVERY = 50;

if (import.meta.main) {
  const [file = "", folder = ""] = Deno.args;
  const hydra = new FakeHydra();
  const cache = new BinaryCache(folder);
  Deno.stdout.writeSync(new TextEncoder().encode(`${hydra.port} ${cache.port}\n`));
  let read = "";
  setInterval(() => {
    const text = Deno.readTextFileSync(file);
    if (text === read) return;
    read = text;
    for (const [job, build] of Object.entries(JSON.parse(text) as Latest)) hydra.setLatest(job, build);
  }, READ_EVERY);
}
