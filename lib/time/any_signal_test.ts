import assert from "node:assert/strict";
import { anySignal } from "./any_signal.ts";

Deno.test("anySignal is aborted with the first of its signals, for the same reason", () => {
  for (const index of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()];
    using any = anySignal(...controllers.map(({ signal }) => signal));
    assert.equal(any.signal.aborted, false);
    const reason = new Error("over");
    controllers[index]?.abort(reason);
    assert.equal(any.signal.reason, reason);
    controllers[1 - index]?.abort(new Error("later"));
    assert.equal(any.signal.reason, reason);
  }
  using late = anySignal(new AbortController().signal, AbortSignal.abort("before"));
  assert.equal(late.signal.reason, "before");
});

Deno.test("anySignal lets go of its signals when it is disposed of", () => {
  const controller = new AbortController();
  const any = anySignal(controller.signal);
  any[Symbol.dispose]();
  controller.abort();
  assert.equal(any.signal.aborted, false);
});
