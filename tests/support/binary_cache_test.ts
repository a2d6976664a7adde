import assert from "node:assert/strict";
import { BinaryCache, type CacheOptions } from "./binary_cache.ts";

const HASH = "b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij";
const NAR = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);

async function withCache(test: (cache: BinaryCache) => Promise<void>, options?: CacheOptions): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hail-cache-" });
  await using cache = new BinaryCache(folder, options);
  try {
    await Deno.mkdir(`${folder}/nar`);
    await Deno.writeTextFile(`${folder}/${HASH}.narinfo`, "URL: nar/one.nar\n");
    await Deno.writeFile(`${folder}/nar/one.nar`, NAR);
    await test(cache);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function get(cache: BinaryCache, path: string): Promise<{ status: number; body: Uint8Array }> {
  const response = await fetch(cache.uri + path);
  return { status: response.status, body: await response.bytes() };
}

Deno.test("binary cache: files are served, and nothing outside of the folder", () =>
  withCache(async (cache) => {
    assert.deepEqual((await get(cache, "/nar/one.nar")).body, NAR);
    assert.equal((await get(cache, `/${HASH}.narinfo`)).status, 200);
    for (const path of ["/", "/nar/", "/nar/two.nar", "/%2e%2e/etc/passwd", "/nar/../../etc/passwd"]) {
      assert.equal((await get(cache, path)).status, 404, path);
    }
    assert.deepEqual(cache.requests[0], { method: "GET", path: "/nar/one.nar", status: 200 });
  }));

Deno.test("binary cache: a corrupt NAR differs in one byte, until the fault is gone", () =>
  withCache(async (cache) => {
    cache.fault = { kind: "corrupt-nar" };
    const { body } = await get(cache, "/nar/one.nar");
    assert.deepEqual([...body.entries()].filter(([at, byte]) => byte !== NAR[at]).map(([at]) => at), [
      50_000,
    ]);
    cache.fault = null;
    assert.deepEqual((await get(cache, "/nar/one.nar")).body, NAR);
  }));

Deno.test("binary cache: a truncated NAR ends after exactly so many bytes", () =>
  withCache(async (cache) => {
    cache.fault = { kind: "truncate-nar", afterBytes: 70_000 };
    const response = await fetch(`${cache.uri}/nar/one.nar`);
    let received = 0;
    await assert.rejects(async () => {
      for await (const chunk of response.body ?? []) received += chunk.length;
    });
    assert.equal(received, 70_000);
    assert.equal((await get(cache, `/${HASH}.narinfo`)).status, 200);
  }));

Deno.test("binary cache: a stalled NAR stops and stays open", () =>
  withCache(async (cache) => {
    cache.fault = { kind: "stall-nar", afterBytes: 1000 };
    const stop = AbortSignal.timeout(300);
    let received = 0;
    await assert.rejects(async () => {
      const response = await fetch(`${cache.uri}/nar/one.nar`, { signal: stop });
      for await (const chunk of response.body ?? []) received += chunk.length;
    }, { name: "TimeoutError" });
    assert.equal(received, 1000);
  }));

Deno.test("binary cache: one that hangs answers nothing", () =>
  withCache(async (cache) => {
    cache.fault = { kind: "hang" };
    await assert.rejects(fetch(cache.uri, { signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
    assert.deepEqual(cache.requests, [{ method: "GET", path: "/", status: null }]);
  }));

Deno.test("binary cache: one store path can be missing, or all be refused", () =>
  withCache(async (cache) => {
    cache.fault = { kind: "missing", storePath: `/nix/store/${HASH}-web-4.0` };
    assert.equal((await get(cache, `/${HASH}.narinfo`)).status, 404);
    assert.equal((await get(cache, "/nar/one.nar")).status, 200);
    cache.fault = { kind: "refuse", status: 403 };
    assert.equal((await get(cache, "/nar/one.nar")).status, 403);
  }));

Deno.test("binary cache: credentials are asked for", () =>
  withCache(async (cache) => {
    assert.equal((await get(cache, `/${HASH}.narinfo`)).status, 401);
    const headers = { authorization: `Basic ${btoa("u:p")}` };
    const response = await fetch(`${cache.uri}/${HASH}.narinfo`, { headers });
    assert.equal(await response.text(), "URL: nar/one.nar\n");
  }, { credentials: { login: "u", password: "p" } }));

Deno.test("binary cache: it can go and come back on its port", () =>
  withCache(async (cache) => {
    await cache.close();
    await assert.rejects(fetch(cache.uri), TypeError);
    await using again = new BinaryCache(cache.folder, { port: cache.port });
    assert.equal((await get(again, "/nar/one.nar")).status, 200);
  }));
