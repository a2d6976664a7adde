import type { Contenders } from "./contenders.ts";
import type { Findings } from "./report.ts";

/** At most so much above the bare runtime, in MB. */
const AIM = 3;

/** Compares the sizes of the executables. */
export async function measureFileSize({ hail, empty }: Contenders): Promise<Findings> {
  const [mine, bare] = await Promise.all(
    [hail, empty].map(async (file) => (await Deno.stat(file)).size / 1e6),
  );
  if (mine === undefined || bare === undefined) throw new Error("an executable has no size");
  const above = mine - bare;
  return {
    rows: [{ what: "File size", hail: `${mine.toFixed(2)} MB`, bare: `${bare.toFixed(2)} MB` }],
    aims: [{
      what: "File size",
      aim: `at most ${AIM} MB above the bare runtime`,
      measured: `${above.toFixed(2)} MB above`,
      met: above <= AIM,
    }],
  };
}
