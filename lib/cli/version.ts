import project from "../../deno.json" with { type: "json" };

/** The version of hail: that of `deno.json`, so that it stands in one place. */
export const VERSION: string = project.version;
