// The sample service: it says over HTTP which version it is. Arguments: the port, and the file that says "ready".

const [port, ready] = Deno.args;
const version = Deno.readTextFileSync(new URL("../version", import.meta.url)).trim();

Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => Deno.writeTextFileSync(ready, "") },
  () => new Response(`Hello from version ${version}.\n`),
);
