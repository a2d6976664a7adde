import { hail } from "./lib/cli/hail.ts";

Deno.exit(await hail(Deno.args, Deno.env));
