// The sample service: it says over HTTP which version it is. Arguments: the port, and the file that says "ready".

const [port, ready] = Deno.args;
const version = Deno.readTextFileSync(new URL("../version", import.meta.url)).trim();
// A version that starts and does not work: what no exit status of bin/activate can tell.
const broken = (() => {
  try {
    return Deno.statSync(new URL("broken", import.meta.url)).isFile;
  } catch {
    return false;
  }
})();

Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => Deno.writeTextFileSync(ready, "") },
  () =>
    broken
      ? new Response("No such table.\n", { status: 500 })
      : new Response(`Hello from version ${version}.\n`),
);
