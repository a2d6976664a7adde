import assert from "node:assert/strict";
import { eventually } from "../../support/command.ts";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { ACTIVATE, PROFILES, World } from "./world.ts";

/** What runs a command on a store that has what it had, but on a small file system of its own. */
function smallStore(option: string): string[] {
  const script = `mkdir -p $0 && mount -t tmpfs none $0 && cp -a /nix/store/. $0 &&
    mount -o "remount,${option}" $0 && mount --bind $0 /nix/store && exec "$@"`;
  return ["sh", "-c", script, "/nix/small"];
}

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail deploys, finds nothing new, and updates`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });

    await t.step("the first deployment makes the profile and activates it once", async () => {
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), one.storePath);
      assert.equal(stderr.match(/version 1\.0/g)?.length, 1, stderr);
      for (
        const said of [
          "arguments 0",
          `HAIL_BUILD_ID=${one.id}`,
          `HAIL_JOB_URI=${world.jobUri}/latest`,
          "HAIL_PREVIOUS_STORE_PATH=\n",
          `HAIL_PROFILE=${PROFILES}/web`,
          `HAIL_STORE_PATH=${one.storePath}`,
          `copying path '${one.payloadPath}'`,
        ]
      ) assert.ok(stderr.includes(said), `${said} in:\n${stderr}`);
    });

    await t.step("a second run activates it again and changes nothing", async () => {
      const asked = world.cache.requests.length;
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.match(stderr, /already at the latest build/);
      assert.equal(stderr.match(/version 1\.0/g)?.length, 1, stderr);
      assert.ok(stderr.includes(`HAIL_BUILD_ID=${one.id}\n`), "it remembers which build it was");
      assert.equal(world.cache.requests.length, asked, "the cache is not asked");
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock", "web", "web-1-link"]);
    });

    await t.step("an update switches and activates the new version", async () => {
      const two = await world.release({ version: "2.0" });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), two.storePath);
      assert.match(stderr, /version 1\.0[^]*version 2\.0/, "the old one at the start, then the new one");
      assert.ok(stderr.includes(`HAIL_PREVIOUS_STORE_PATH=${one.storePath}`), stderr);
      assert.deepEqual(await world.profileFolder(), [".web.hail-lock", "web", "web-1-link", "web-2-link"]);
    });

    await t.step("a loop updates on HUP and ends on TERM", async () => {
      await using hail = world.start();
      await eventually("the first poll", () => hail.stderr.includes("nothing new"));
      const three = await world.release({ version: "3.0" });
      hail.kill("SIGHUP");
      await eventually("the update", () => hail.stderr.includes("version 3.0"));
      await eventually("idle again", () => hail.stderr.match(/next poll in/g)?.length === 2);
      assert.equal(await world.current(), three.storePath);
      const requests = world.hydra.requests.slice(-3).map(({ method, path }) => `${method} ${path}`);
      assert.deepEqual(requests, [
        "HEAD /job/demo/main/web/latest",
        `GET /build/${three.id}`,
        "HEAD /job/demo/main/web/latest",
      ], "after the deployment one poll at once, of one request");
      assert.equal(
        new Set(world.hydra.requests.slice(-3).map(({ headers }) => headers.get("cookie"))).size,
        1,
      );
      hail.kill("SIGTERM");
      assert.equal((await hail.finish()).status, 0);
    });

    await t.step("a second hail on the profile ends with 15 and leaves the first alone", async () => {
      await using first = world.start();
      await eventually("the first hail", () => first.stderr.includes("nothing new"));
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 15, stderr);
      assert.match(stderr, /another hail holds it, process \d+/);
      first.kill("SIGKILL");
      await first.finish();
      assert.equal((await world.oneshot()).status, 0, "the lock died with its holder");
    });
  });

  Deno.test(`${suite}: hail tells the ways apart in which a realisation fails`, async (t) => {
    await using world = await World.make(suite);
    const one = await world.release({ version: "1.0" });
    assert.equal((await world.oneshot()).status, 0);
    const two = await world.release({ version: "2.0", payloadBytes: 2_000_000 });

    const fails = async (says: RegExp, more: string[] = [], prefix: string[] = []) => {
      const command = [...prefix, ...world.command("--oneshot", ...more)];
      const { status, stderr } = await world.tree.run(command, { mayFail: true });
      assert.equal(status, 12, stderr);
      assert.match(stderr, says);
      assert.equal(await world.current(), one.storePath, "the profile is as it was");
      assert.doesNotMatch(stderr, /s3cret/);
    };

    await t.step("no substituter has the path yet, and then one has", async () => {
      await world.configure({ more: ["narinfo-cache-negative-ttl = 3600"] });
      world.cache.fault = { kind: "missing", storePath: two.storePath };
      await fails(/no substituter has it yet/);
    });
    await t.step("a dependency is missing", async () => {
      world.cache.fault = { kind: "missing", storePath: two.payloadPath };
      await fails(/error: \/nix\/store/);
    });
    await t.step("the password is wrong", async () => {
      world.cache.fault = null;
      await world.configure({ netrc: "machine 127.0.0.1 login host password wrong-s3cret\n" });
      await fails(/refuses access/);
    });
    await t.step("the password is wrong, and Nix does not know the cache yet", async () => {
      await Deno.remove(`${world.tree.folder}/home/.cache`, { recursive: true });
      await fails(/refuses access/);
    });
    await t.step("the key is wrong", async () => {
      await world.configure({ trustedPublicKeys: ["sample-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] });
      await fails(/no trusted key has signed it/);
    });
    await t.step("a NAR is broken", async () => {
      await world.configure({});
      world.cache.fault = { kind: "corrupt-nar" };
      await fails(/broken or incomplete archive/);
    });
    await t.step("a NAR is cut off", async () => {
      world.cache.fault = { kind: "truncate-nar", afterBytes: 1_000 };
      await fails(/cannot be reached or fails|broken or incomplete archive/);
    });
    await t.step("the cache dies in the middle", async () => {
      world.cache.fault = { kind: "stall-nar", afterBytes: 100_000 };
      const asked = world.cache.requests.length;
      const failed = fails(/cannot be reached or fails|broken or incomplete archive/);
      await eventually(
        "a download",
        () => world.cache.requests.slice(asked).some(({ path }) => path.includes("nar/")),
      );
      await world.cache.close();
      await failed;
      world.reopenCache();
    });
    await t.step("the cache is down", async () => {
      await world.cache.close();
      await Deno.remove(`${world.tree.folder}/home/.cache`, { recursive: true });
      await fails(/cannot be reached or fails/);
      world.reopenCache();
    });
    await t.step("the cache hangs until the time limit", async () => {
      world.cache.fault = { kind: "stall-nar", afterBytes: 1_000 };
      const begun = performance.now();
      await fails(/took longer than its time limit/, ["--realise-timeout", "2s"]);
      assert.ok(performance.now() - begun < 10_000);
      world.cache.fault = null;
    });
    await t.step("the disk is full", async () => {
      await fails(/the disk is full/, [], smallStore("nr_inodes=$(($(find $0 | wc -l) + 2))"));
    });
    await t.step("Nix is missing", async () => {
      // What the activation of the version that is there needs is still to be found.
      const folder = `${world.tree.folder}/without-nix`;
      await Deno.mkdir(folder);
      for (const program of ["cat", "env", "grep", "sort"]) {
        await Deno.symlink(`/usr/bin/${program}`, `${folder}/${program}`);
      }
      await fails(/nix-store is not installed or not on PATH/, [], ["env", `PATH=${folder}`]);
    });
    await t.step("and then all is well again", async () => {
      // Nix would remember for an hour that the path was missing, were it not told to ask again.
      await world.configure({ more: ["narinfo-cache-negative-ttl = 3600"] });
      const { status, stderr } = await world.oneshot();
      assert.equal(status, 0, stderr);
      assert.equal(await world.current(), two.storePath);
    });
  });

  Deno.test(`${suite}: hail switches and activates safely`, async (t) => {
    await using world = await World.make(suite);

    await t.step("a garbage collection between realisation and switch takes nothing away", async () => {
      const one = await world.release({ version: "1.0" });
      const folder = `${world.tree.folder}/wrapper`;
      await Deno.mkdir(folder);
      await Deno.writeTextFile(
        `${folder}/nix-env`,
        `#!/bin/sh\nnix-store --gc >&2\nPATH=$\{PATH#*:}\nexec nix-env "$@"\n`,
        { mode: 0o755 },
      );
      const path = `${folder}:${world.tree.env["PATH"]}`;
      const { status, stderr } = await world.oneshot([], { env: { PATH: path } });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /deleting|garbage|freed/i, "the collector did run");
      assert.equal(await world.current(), one.storePath);
      assert.match(stderr, /version 1\.0/);
    });

    await t.step("an activation that hangs is ended at its time limit with its children", async () => {
      const before = await world.current();
      const pidFile = `${world.tree.folder}/child.pid`;
      await world.release({
        version: "3.0",
        activate: `#!/bin/sh\nsleep 1000 &\necho $! >${pidFile}\nwait\n`,
      });
      const { status, stderr } = await world.oneshot(["--activation-timeout", "1s"]);
      assert.equal(status, 14, stderr);
      assert.match(stderr, /longer than its time limit/);
      const stat = await Deno.readTextFile(`/proc/${(await Deno.readTextFile(pidFile)).trim()}/stat`)
        .catch(() => "gone) Z ");
      assert.match(stat, /\) [ZX] /);
      assert.equal(await world.current(), before, "it is rolled back");
      await world.reset();
    });

    for (
      const [what, sample, says] of [
        [
          "no bin/activate",
          { files: { "bin/other": { text: "" } } },
          /bin\/activate: the profile does not have it/,
        ],
        [
          "a bin/activate that is not executable",
          { activate: ACTIVATE, activateMode: 0o644 },
          /no execute permission/,
        ],
        [
          "an interpreter that does not exist",
          { activate: "#!/no/such/sh\n" },
          /interpreter .* does not exist/,
        ],
        ["a bin/activate that is no program", { activate: "\u007fELF nonsense" }, /it ended with status \d+/],
      ] as const
    ) {
      await t.step(`a profile with ${what} is a clear error`, async () => {
        world.announce(await world.samples.release({ version: `4.${says.source.length}`, ...sample }));
        const { status, stderr } = await world.oneshot();
        assert.equal(status, 14, stderr);
        assert.match(stderr, says);
        assert.equal(await world.current(), null, "it is taken back");
      });
    }

    await t.step("a running activation finishes on TERM, and ends on a second one", async () => {
      const marker = `${world.tree.folder}/finished`;
      await world.release({
        version: "5.0",
        activate: `#!/bin/sh\ntrap '' TERM\necho begun\nsleep 2\necho done >${marker}\n`,
      });
      {
        await using hail = world.tree.start(world.command());
        await eventually("the activation of 5.0", () => /activating build|begun/.test(hail.stderr));
        await eventually("it has begun", () => hail.stderr.includes("begun"));
        hail.kill("SIGTERM");
        assert.equal((await hail.finish()).status, 0);
        assert.equal((await Deno.readTextFile(marker)).trim(), "done");
      }
      await world.reset();
      await world.release({ version: "6.0", activate: "#!/bin/sh\necho hanging\nexec sleep 1000\n" });
      await using hail = world.tree.start(world.command("--oneshot"));
      await eventually("the activation of 6.0", () => hail.stderr.includes("hanging"));
      hail.kill("SIGTERM");
      await eventually("the first signal", () => hail.stderr.includes("stopping"));
      hail.kill("SIGTERM");
      const { status, stderr } = await hail.finish();
      assert.equal(status, 143, stderr);
      assert.match(stderr, /told twice to stop/);
      await world.reset();
    });

    await t.step("something else in the profile's place ends with 13 and is left alone", async () => {
      const folder = world.tree.outside("/nix/var/nix/profiles/occupied");
      await Deno.mkdir(folder);
      const { status, stderr } = await world.tree.run(
        world.command("--oneshot").map((word) => word === "hail-profiles/web" ? "occupied" : word),
        { mayFail: true },
      );
      assert.equal(status, 13, stderr);
      assert.match(stderr, /it is a folder, not a profile/);
      assert.ok((await Deno.stat(folder)).isDirectory);
    });

    await t.step("a profile that cannot be switched ends with 13 and stays", async () => {
      const seven = await world.release({ version: "7.0" });
      assert.equal((await world.oneshot()).status, 0);
      await world.release({ version: "8.0" });
      const script = 'mount --bind -o ro "$0" "$0" 2>/dev/null; mount -o remount,bind,ro "$0"; exec "$@"';
      const { status, stderr } = await world.tree.run(
        ["sh", "-c", script, PROFILES, ...world.command("--oneshot")],
        { mayFail: true },
      );
      assert.equal(status, 13, stderr);
      assert.equal(await world.current(), seven.storePath);
    });
  });
}
