import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually, run, RunningCommand } from "../support/command.ts";
import { FakeHydra } from "../support/fake_hydra.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** A folder of a test's own, in which hail keeps its state, too. */
interface Folder {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs hail from its sources. */
function hail({ env }: Folder, args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const command = [Deno.execPath(), "run", "--quiet", "-A", MAIN, ...args];
  return run(command, { mayFail: true, env: { ...env, ...more } });
}

async function temporaryFolder(): Promise<Folder & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "hail-test-" });
  return {
    path,
    env: { STATE_DIRECTORY: `${path}/state` },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("hail ends with 10 and one line on standard error where Hydra cannot be reached", async () => {
  await using folder = await temporaryFolder();
  const closed = new FakeHydra();
  await closed.close();
  const uri = closed.jobUri("demo/main/web");
  const { status, stdout, stderr } = await hail(folder, [
    "--profile",
    `${folder.path}/web`,
    "--job-uri",
    uri,
    "--oneshot",
  ]);
  assert.equal(status, 10, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /error: http:\/\/127\.0\.0\.1:\d+\/job\/demo\/main\/web\/latest: .*refused/);
});

Deno.test("hail ends with 11 where no build was successful, in Hydra's own words", async () => {
  await using folder = await temporaryFolder();
  await using hydra = new FakeHydra();
  hydra.addJob("demo/main/web");
  const args = ["--profile", `${folder.path}/web`, "--job-uri", hydra.jobUri("demo/main/web"), "--oneshot"];
  const { status, stderr } = await hail(folder, [...args, "--log-format", "json"]);
  assert.equal(status, 11, stderr);
  const failure = stderr.trimEnd().split("\n").map((line) => JSON.parse(line)).find(({ event }) =>
    event === "failure"
  );
  assert.equal(failure.code, "hydra-no-build");
  assert.equal(failure.level, "ERROR");
  assert.match(failure.message, /There is no successful build to redirect to/);
});

Deno.test("hail ends with 2 for a netrc file that is malformed, and shows nothing of it", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/netrc`;
  await Deno.writeTextFile(file, "machine h login bob\npasword s3cret\n", { mode: 0o600 });
  const { status, stderr } = await hail(folder, [
    ...["--profile", `${folder.path}/web`, "--job-uri", "http://h/job/a/b/c"],
    ...["--oneshot", "--netrc-file", file],
  ]);
  assert.equal(status, 2, stderr);
  assert.match(stderr, /line 2, column 1/);
  assert.doesNotMatch(stderr, /s3cret|bob/);
});

Deno.test("hail ends with 2, at once, for a certificate file that is missing, empty, a FIFO or endless", async () => {
  await using folder = await temporaryFolder();
  await run(["mkfifo", `${folder.path}/fifo`]);
  await Deno.writeTextFile(`${folder.path}/empty`, "");
  for (const file of [`${folder.path}/none`, `${folder.path}/empty`, `${folder.path}/fifo`, "/dev/zero"]) {
    const args = [
      "--profile",
      `${folder.path}/web`,
      "--job-uri",
      "https://127.0.0.1:9/job/a/b/c",
      "--oneshot",
    ];
    const { status, stderr } = await hail(folder, args, { NIX_SSL_CERT_FILE: file });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /named by NIX_SSL_CERT_FILE/);
  }
});

Deno.test("hail ends with 13 where the profile's folder cannot be made", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const { status, stderr } = await hail(folder, [
    ...["--profile", `${folder.path}/file/web`, "--job-uri", "http://127.0.0.1:9/job/a/b/c", "--oneshot"],
  ]);
  assert.equal(status, 13, stderr);
  assert.match(stderr, /its lock file .* cannot be opened/);
});

Deno.test("hail ends with 143 when TERM comes before a oneshot is done, at once", async () => {
  await using folder = await temporaryFolder();
  await using hydra = new FakeHydra();
  hydra.fault = "hang";
  await using running = new RunningCommand([
    ...[Deno.execPath(), "run", "--quiet", "-A", MAIN, "--profile", `${folder.path}/web`],
    ...["--job-uri", hydra.jobUri("demo/main/web"), "--oneshot"],
  ], { env: folder.env });
  await eventually("the request", () => hydra.requests.length > 0);
  running.kill("SIGTERM");
  const { status, stderr } = await running.finish(5_000);
  assert.equal(status, 143, stderr);
});

Deno.test("hail honours a request time limit", async () => {
  await using folder = await temporaryFolder();
  await using hydra = new FakeHydra();
  hydra.fault = "hang";
  const uri = hydra.jobUri("demo/main/web");
  const { status, stderr } = await hail(folder, [
    ...["--profile", `${folder.path}/web`, "--job-uri", uri, "--oneshot", "--request-timeout", "1s"],
  ]);
  assert.equal(status, 10, stderr);
  assert.match(stderr, /within 1 s/);
});

Deno.test("hail waits between failures and never spins", async () => {
  await using folder = await temporaryFolder();
  await using hydra = new FakeHydra();
  hydra.fault = "database-down";
  await using running = new RunningCommand([
    ...[Deno.execPath(), "run", "--quiet", "-A", MAIN, "--profile", `${folder.path}/web`],
    ...["--job-uri", hydra.jobUri("demo/main/web"), "--poll-period", "1s"],
  ], { env: folder.env });
  await eventually("three polls", () => hydra.requests.length >= 3);
  const begun = performance.now();
  const count = hydra.requests.length;
  await eventually("two more", () => hydra.requests.length >= count + 2);
  assert.ok(performance.now() - begun > 900, "a second each at least");
  running.kill("SIGTERM");
  assert.equal((await running.finish(5_000)).status, 0);
});
