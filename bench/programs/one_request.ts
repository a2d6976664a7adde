// The bare runtime with one request, to the URI that is its argument: nothing that sends one can start faster.
const [uri = ""] = Deno.args;
await fetch(uri, { method: "HEAD", redirect: "manual" });
