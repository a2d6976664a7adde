import assert from "node:assert/strict";
import { createPreview, type Preview } from "../../../lib/nix/preview.ts";
import { parseStorePath, type StorePath } from "../../../lib/nix/store_path.ts";
import { BinaryCache } from "../../support/binary_cache.ts";
import { NIX_SUITES, NixTree } from "../../support/nix_tree.ts";
import type { NixSettings } from "../../support/nix.ts";
import { type SampleProfile, SampleProfiles } from "../../support/sample_profile.ts";
import { runIn } from "./run_in.ts";
import { World } from "./world.ts";

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;
const CACHE_LOGIN = { login: "host", password: "cache-s3cret" };

function storePath({ storePath }: SampleProfile): StorePath {
  const path = parseStorePath(storePath);
  assert.ok(path !== null);
  return path;
}

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: a preview says what would be fetched and changed, and changes nothing`, async (t) => {
    await using tree = await NixTree.make(suite);
    const samples = await SampleProfiles.make(tree, tree.folder);
    await using cache = new BinaryCache(samples.cacheFolder, { credentials: CACHE_LOGIN });
    const configure = (settings: NixSettings = {}) =>
      tree.configure({
        substituters: [cache.uri],
        trustedPublicKeys: [samples.publicKey],
        netrc: `machine 127.0.0.1 login ${CACHE_LOGIN.login} password ${CACHE_LOGIN.password}\n`,
        ...settings,
      });
    await configure();
    const forgetAnswers = () => Deno.remove(`${tree.folder}/home/.cache`, { recursive: true });
    const { run, commands } = runIn(tree);
    const preview = createPreview({ storeFolder: "/nix/store", run, freeSpace: () => 1000 * MIB });
    const one = await samples.build({ version: "1.0", payloadBytes: 100_000 });
    const [two, extra] = [
      await samples.release({ version: "2.0", payloadBytes: 3_000_000 }),
      await samples.release({ name: "other", version: "2.0" }),
    ];
    const store = async () => (await tree.run(["ls", "/nix/store"])).stdout;
    const before = await store();
    const ask = (current: SampleProfile | null, wanted: SampleProfile): Promise<Preview> =>
      preview({ current: current === null ? null : storePath(current), wanted: storePath(wanted) }, NEVER);

    const expected = (
      { difference, pathsToFetch, downloadBytes, unpackedBytes, neededBytes, enough }: Preview,
    ) => {
      assert.equal(pathsToFetch, 2);
      for (const bytes of [downloadBytes, unpackedBytes]) {
        assert.ok(bytes !== null && Math.abs(bytes - 3_001_000) < 100_000, String(bytes));
      }
      assert.ok(neededBytes !== null && neededBytes > 19 * MIB && neededBytes < 20 * MIB);
      assert.equal(enough, true);
      assert.deepEqual(difference?.changed.map(({ name, from, to }) => [name, from, to]), [
        ["web", ["1.0"], ["2.0"]],
        ["web-payload", ["1.0"], ["2.0"]],
      ]);
      // The archive of one file is a little larger than the file.
      assert.deepEqual(difference?.changed.map(({ sizeAfter }) => sizeAfter)[1], 3_000_112);
      assert.deepEqual(difference?.changed.map(({ sizeBefore }) => sizeBefore)[1], 100_112);
      assert.deepEqual([difference?.added, difference?.removed], [[], []]);
    };

    await t.step("an update", async () => {
      const found = await ask(one, two);
      expected(found);
      assert.equal(found.note, null);
      const { changed, sizeBefore, sizeAfter } = found.difference ?? {};
      assert.equal(sizeBefore, changed?.reduce((sum, { sizeBefore }) => sum + (sizeBefore ?? 0), 0));
      assert.equal(sizeAfter, changed?.reduce((sum, { sizeAfter }) => sum + (sizeAfter ?? 0), 0));
    });
    await t.step("a first deployment, and one of something else", async () => {
      const first = await ask(null, two);
      assert.deepEqual(first.difference?.added.map(({ name, to }) => [name, to]), [
        ["web", ["2.0"]],
        ["web-payload", ["2.0"]],
      ]);
      const other = await ask(one, extra);
      assert.deepEqual(other.difference?.added.map(({ name }) => name), ["other", "other-payload"]);
      assert.deepEqual(other.difference?.removed.map(({ name }) => name), ["web", "web-payload"]);
    });
    await t.step("what is there already", async () => {
      const { pathsToFetch, neededBytes, enough, difference, note } = await ask(one, one);
      assert.deepEqual([pathsToFetch, neededBytes, enough, note], [0, 0, true, null]);
      assert.deepEqual([difference?.added, difference?.removed, difference?.changed], [[], [], []]);
      const there = await samples.build({ version: "1.5" });
      const built = await ask(one, there);
      assert.equal(built.pathsToFetch, 0);
      assert.deepEqual(built.difference?.changed.map(({ to }) => to), [["1.5"], ["1.5"]]);
      await samples.forget(there);
    });
    await t.step("a cache whose password stands in its URI, which no argument shows", async () => {
      const uri = cache.uri.replace("http://", "http://host:cache-s3cret@");
      await configure({ substituters: [uri], netrc: "" });
      expected(await ask(one, two));
      assert.doesNotMatch(JSON.stringify(commands), /s3cret/);
      await configure();
    });
    await t.step("two caches, each with a part", async () => {
      const folder = `${tree.folder}/part`;
      await Deno.mkdir(folder);
      await Deno.mkdir(`${folder}/nar`);
      const move = [
        samples.narinfoFile(two.payloadPath),
        await samples.narFile(two.payloadPath),
      ];
      const moved = (file: string) => file.replace(samples.cacheFolder, folder);
      await Deno.copyFile(`${samples.cacheFolder}/nix-cache-info`, `${folder}/nix-cache-info`);
      for (const file of move) await Deno.rename(file, moved(file));
      await forgetAnswers();
      await using other = new BinaryCache(folder);
      await configure({ substituters: [cache.uri, other.uri] });
      const found = await ask(one, two);
      expected(found);
      assert.match(found.note ?? "", /no substituter has the whole closure/);
      assert.equal(found.difference?.sizeAfter, null);
      for (const file of move) await Deno.rename(moved(file), file);
      await configure();
    });
    await t.step("a path that no substituter has, a wrong password, and a cache that is down", async () => {
      const unknown = { ...two, storePath: two.storePath.replace(/\/[0-9a-z]{32}/, `/${"0".repeat(32)}`) };
      const missing = await ask(one, unknown);
      assert.match(missing.note ?? "", /no substituter has \/nix\/store\/0/);
      assert.deepEqual([missing.difference, missing.enough, missing.freeBytes], [null, null, 1000 * MIB]);
      await configure({ netrc: "machine 127.0.0.1 login host password wrong\n" });
      await forgetAnswers();
      assert.notEqual((await ask(one, two)).note, null);
      await cache.close();
      await forgetAnswers();
      assert.notEqual((await ask(one, two)).note, null);
    });
    await t.step("and nothing has changed", async () => {
      assert.equal(await store(), before);
      assert.deepEqual(
        commands.filter((command) => command.includes("--realise") && !command.includes("--dry-run")),
        [],
      );
    });
  });
}

/**
 * Runs a command with a small file system over the store, to which the store is copied. What is fetched into it is lost
 * at the end, without Nix knowing, so each run takes a version of its own.
 */
const SMALL_STORE = `set -e
mkdir /tmp/hail-store-$$ && cp -a /nix/store/. /tmp/hail-store-$$/
mount -t tmpfs -o size="$SIZE" none /nix/store
cp -a /tmp/hail-store-$$/. /nix/store/ && rm -rf /tmp/hail-store-$$
exec "$@"`;

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: hail looks for room before it fetches`, async (t) => {
    await using world = await World.make(suite);
    const on = (size: string, ...more: string[]) =>
      world.tree.run(["sh", "-c", SMALL_STORE, "sh", ...world.command("--oneshot", ...more)], {
        env: { SIZE: size },
        mayFail: true,
      });
    const narsAsked = () => world.cache.requests.filter(({ path }) => path.startsWith("/nar/")).length;

    const release = (version: string) => world.release({ version, payloadBytes: 30_000_000 });

    await t.step("too little room ends with 12 before a byte of an archive is fetched", async () => {
      const one = await release("1.0");
      const { status, stderr } = await on("40m");
      assert.equal(status, 12, stderr);
      assert.match(
        stderr,
        /it needs 47\.\d MiB \(28\.6 MiB unpacked, and a margin\), but [34]\d\.\d MiB are free/,
      );
      assert.match(stderr, /\(keep-generations\)/);
      assert.equal(narsAsked(), 0);
      assert.equal(await world.current(), null);
      assert.ok(stderr.includes(one.storePath), stderr);
    });
    await t.step("where Nix is set to make room by itself, it may", async () => {
      await world.configure({ more: ["min-free = 1000000"] });
      const { status, stderr } = await on("40m");
      assert.equal(status, 0, stderr);
      assert.equal(narsAsked(), 2);
      await world.configure({});
      await world.reset();
    });
    await t.step("enough room is said in the debug log, and the deployment goes on", async () => {
      await release("2.0");
      const { status, stderr } = await on("60m", "--log-level", "debug");
      assert.equal(status, 0, stderr);
      assert.match(
        stderr,
        /needs 2 paths: 28\.6 MiB to download, 28\.6 MiB unpacked; [56]\d\.\d MiB are free/,
      );
      await world.reset();
    });
    await t.step("a cache that does not say what there is to fetch is no reason not to try", async () => {
      await release("3.0");
      world.cache.fault = { kind: "hang" };
      const { status, stderr } = await world.oneshot(["--realise-timeout", "2s", "--log-level", "debug"]);
      assert.equal(status, 12, stderr);
      assert.match(
        stderr,
        /is not known: nix-store --dry-run took too long[^]*took longer than its time limit/,
      );
    });
  });
}
